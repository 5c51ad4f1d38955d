package simd

// The assembly of this package is written by the programs in ../asm:
// go generate ./simd rebuilds all of it.
//
//go:generate go run -C ../asm ./gemm -isa avx512 -out ../simd/gemm_avx512_amd64.s
//go:generate go run -C ../asm ./gemm -isa avx2 -out ../simd/gemm_avx2_amd64.s
//go:generate go run -C ../asm ./neon -family gemm -out ../simd/gemm_neon_arm64.s
//go:generate go run -C ../asm ./wino -isa avx512 -out ../simd/wino_avx512_amd64.s
//go:generate go run -C ../asm ./wino -isa avx2 -out ../simd/wino_avx2_amd64.s
//go:generate go run -C ../asm ./neon -family wino -out ../simd/wino_neon_arm64.s
//go:generate go run -C ../asm ./noise -isa avx512 -out ../simd/noise_avx512_amd64.s
//go:generate go run -C ../asm ./noise -isa avx2 -out ../simd/noise_avx2_amd64.s
//go:generate go run -C ../asm ./vec -isa avx512 -out ../simd/vec_avx512_amd64.s
//go:generate go run -C ../asm ./vec -isa avx2 -out ../simd/vec_avx2_amd64.s
//go:generate go run -C ../asm ./neon -family vec -out ../simd/vec_neon_arm64.s
//go:generate go run -C ../asm ./act -isa avx512 -out ../simd/act_avx512_amd64.s
//go:generate go run -C ../asm ./act -isa avx2 -out ../simd/act_avx2_amd64.s
//go:generate go run -C ../asm ./neon -family act -out ../simd/act_neon_arm64.s
//go:generate go run -C ../asm ./norm -isa avx512 -out ../simd/norm_avx512_amd64.s
//go:generate go run -C ../asm ./norm -isa avx2 -out ../simd/norm_avx2_amd64.s
//go:generate go run -C ../asm ./neon -family norm -out ../simd/norm_neon_arm64.s
//go:generate go run -C ../asm ./quick -isa avx512 -out ../simd/quick_avx512_amd64.s
//go:generate go run -C ../asm ./quick -isa avx2 -out ../simd/quick_avx2_amd64.s
//go:generate go run -C ../asm ./neon -family quick -out ../simd/quick_neon_arm64.s
//go:generate go run -C ../asm ./noise -isa avx512-float64 -out ../simd/noise64_avx512_amd64.s
//go:generate go run -C ../asm ./noise -isa avx2-float64 -out ../simd/noise64_avx2_amd64.s
//go:generate go run -C ../asm ./neon -family noise -out ../simd/noise_neon_arm64.s
//go:generate go run -C ../asm ./neon -family noise64 -out ../simd/noise64_neon_arm64.s
//
// Last, the functions that choose among it, by the lines //simd:kernel of the
// Go references:
//
//go:generate go run -C ../asm ./dispatch -dir ../simd
