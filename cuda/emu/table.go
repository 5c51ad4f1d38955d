package emu

import "strings"

// A row of the table of instructions: opcodes that take the same operands.
type row struct {
	ops       string // opcodes; a{x,y}b stands for axb and ayb
	version   int    // least .version, times ten
	target    int    // least .target
	build     func(d *decoder)
	operands  int
	predicate bool // may have one
}

var rows = []row{
	{"mov.{pred,b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}", 10, 10, buildMove, 2, true},
	{"cvta.to.{global,shared}.u64", 20, 20, buildMove, 2, true},
	{"cvta.{global,shared}.u64", 20, 20, buildMove, 2, true},

	{"{add,sub,min,max}.{u16,u32,u64,s16,s32,s64}", 10, 10, buildInt, 3, true},
	{"{div,rem}.{u16,u32,u64,s16,s32,s64}", 10, 10, buildDivide, 3, true},
	{"mul.{lo,hi}.{u16,u32,u64,s16,s32,s64}", 10, 10, buildMul, 3, true},
	{"mul.wide.{u16,u32,s16,s32}", 10, 10, buildMul, 3, true},
	{"mad.{lo,hi}.{u16,u32,u64,s16,s32,s64}", 10, 10, buildMul, 4, true},
	{"mad.wide.{u16,u32,s16,s32}", 10, 10, buildMul, 4, true},
	{"{and,or,xor}.{pred,b16,b32,b64}", 10, 10, buildLogic, 3, true},
	{"not.{pred,b16,b32,b64}", 10, 10, buildUnary, 2, true},
	{"{neg,abs}.{s16,s32,s64}", 10, 10, buildUnary, 2, true},
	{"{popc,clz,brev}.{b32,b64}", 20, 20, buildUnary, 2, true},
	{"shl.{b16,b32,b64}", 10, 10, buildShift, 3, true},
	{"shr.{b16,b32,b64,u16,u32,u64,s16,s32,s64}", 10, 10, buildShift, 3, true},
	{"shf.{l,r}.{clamp,wrap}.b32", 31, 32, buildFunnel, 4, true},
	{"bfe.{u32,u64,s32,s64}", 20, 20, buildExtract, 4, true},
	{"bfi.{b32,b64}", 20, 20, buildInsert, 5, true},
	{"prmt.b32", 20, 20, buildPermute, 4, true},
	{"lop3.b32", 43, 50, buildLop3, 5, true},

	{"{add,sub,mul,div}.rn.{f32,f64}", 14, 20, buildFloat, 3, true},
	{"{min,max}.{f32,f64}", 10, 10, buildFloat, 3, true},
	{"{min,max}.NaN.f32", 70, 80, buildFloat, 3, true},
	{"fma.rn.{f32,f64}", 14, 20, buildFMA, 4, true},
	{"sqrt.rn.{f32,f64}", 14, 20, buildFloatUnary, 2, true},
	{"{neg,abs}.{f32,f64}", 10, 10, buildFloatUnary, 2, true},
	{"{ex2,lg2,rcp,rsqrt}.approx{,.ftz}.f32", 14, 20, buildFloatUnary, 2, true},

	{"setp.{eq,ne,lt,le,gt,ge}{,.and,.or}.{u16,u32,u64,s16,s32,s64,f32,f64}", 10, 10, buildCompare, 0, true},
	{"setp.{eq,ne}{,.and,.or}.{b16,b32,b64}", 10, 10, buildCompare, 0, true},
	{"setp.{equ,neu,ltu,leu,gtu,geu,num,nan}{,.and,.or}.{f32,f64}", 10, 10, buildCompare, 0, true},
	{"selp.{b16,b32,b64,u16,u32,u64,s16,s32,s64,f32,f64}", 10, 10, buildSelect, 4, true},

	{"cvt.{u16,u32,u64,s16,s32,s64}.{u16,u32,u64,s16,s32,s64}", 10, 10, buildConvert, 2, true},
	{"cvt.rn.{f32,f64}.{u16,u32,u64,s16,s32,s64}", 10, 10, buildConvert, 2, true},
	{"cvt.{rni,rzi}.{u32,u64,s32,s64}.{f32,f64}", 10, 10, buildConvert, 2, true},
	{"cvt.{rni,rzi}.{f32.f32,f64.f64}", 10, 10, buildConvert, 2, true},
	{"cvt.f64.f32", 14, 20, buildConvert, 2, true},
	{"cvt.rn.f32.f64", 14, 20, buildConvert, 2, true},
	{"cvt.rna.tf32.f32", 70, 80, buildConvert, 2, true},
	{"cvt.rn.bf16x2.f32", 70, 80, buildPackBF16, 3, true},

	{"ld.param.{b32,b64,u32,u64,s32,s64,f32,f64}", 10, 10, buildParam, 2, true},
	{"{ld,st}.{global,shared}{,.v2,.v4}.{b16,b32,u16,u32,s16,s32,f32}", 10, 10, buildMemory, 2, true},
	{"{ld,st}.{global,shared}{,.v2}.{b64,u64,s64,f64}", 10, 10, buildMemory, 2, true},
	{"ld.global.nc{,.v2,.v4}.{b32,u32,s32,f32}", 31, 32, buildMemory, 2, true},

	{"cp.async.ca.shared.global", 70, 80, buildCopy, 0, true},
	{"cp.async.cg.shared.global", 70, 80, buildCopy, 0, true},
	{"cp.async.commit_group", 70, 80, buildCommit, 0, false},
	{"cp.async.wait_group", 70, 80, buildWait, 1, false},
	{"cp.async.wait_all", 70, 80, buildWait, 0, false},

	{"shfl.sync.{up,down,bfly,idx}.b32", 60, 30, buildShuffle, 5, true},
	{"vote.sync.{any,all}.pred", 60, 30, buildVote, 3, true},
	{"vote.sync.ballot.b32", 60, 30, buildVote, 3, true},
	{"activemask.b32", 62, 30, buildActive, 1, true},
	{"ldmatrix.sync.aligned.m8n8.{x1,x2,x4}{,.trans}.shared.b16", 65, 75, buildMatrix, 2, true},
	{"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 70, 80, buildMMA, 4, true},
	{"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 70, 80, buildMMA, 4, true},

	{"bra", 10, 10, buildBranch, 1, true},
	{"bra.uni", 10, 10, buildBranch, 1, true},
	{"{ret,exit}", 10, 10, buildExit, 0, true},
	{"bar.sync", 10, 10, buildBarrier, 1, false},
}

// opcodes is rows by opcode.
var opcodes = map[string]*row{}

func init() {
	for i := range rows {
		for _, op := range expand(rows[i].ops) {
			opcodes[op] = &rows[i]
		}
	}
}

// expand lists the strings that a pattern with {,} stands for.
func expand(pattern string) []string {
	head, rest, ok := strings.Cut(pattern, "{")
	if !ok {
		return []string{pattern}
	}
	choices, tail, _ := strings.Cut(rest, "}")
	var out []string
	for _, c := range strings.Split(choices, ",") {
		for _, t := range expand(tail) {
			out = append(out, head+c+t)
		}
	}
	return out
}

// reason says why an opcode is not in the table, as far as that is known.
func reason(op string) string {
	p := strings.Split(op, ".")
	switch p[0] {
	case "add", "sub", "mul", "fma", "mad", "div", "sqrt", "rcp":
		if last := p[len(p)-1]; last == "f32" || last == "f64" {
			return "arithmetic on floats must be add, sub, mul, div, fma or sqrt with .rn and no .ftz: without .rn the assembler may fuse"
		}
	case "atom", "red":
		return "its order differs from run to run"
	}
	return "not in the table of instructions"
}

// Inexact lists the instructions whose results differ between this package, a
// processor and a GPU, or between two GPUs: what a kernel must not contain that
// promises the bits of the CPU.
func (k *Kernel) Inexact() (ops []Op) {
	for _, o := range k.Ops {
		if strings.Contains(o.Name, ".approx") || strings.Contains(o.Name, ".ftz") || strings.HasPrefix(o.Name, "mma") {
			ops = append(ops, o)
		}
	}
	return ops
}
