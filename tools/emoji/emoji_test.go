package main

import (
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"heavytail/data"
)

const testList = `# emoji-test.txt

# group: Smileys & Emotion

# subgroup: face-smiling
1F600 ; fully-qualified # 😀 E1.0 grinning face
263A FE0F ; fully-qualified # ☺️ E0.6 smiling face
263A ; unqualified # ☺ E0.6 smiling face

# group: Component
1F3FB ; component # 🏻 E1.0 light skin tone

# group: Flags
1F1E6 1F1E8 ; fully-qualified # 🇦🇨 E2.0 flag: Ascension Island
`

func TestList(t *testing.T) {
	list, err := parseList(strings.NewReader(testList))
	require.NoError(t, err)
	require.Equal(t, []emoji{
		{[]rune{0x1F600}, "smileys-emotion", "grinning face", "grinning face", "grinning face"},
		{[]rune{0x263A, 0xFE0F}, "smileys-emotion", "smiling face", "smiling face", "smiling face"},
		{[]rune{0x1F1E6, 0x1F1E8}, "flags", "flag: Ascension Island", "flag: Ascension Island", "flag: Ascension Island"},
	}, list)
	require.Equal(t, "263a-fe0f.png", list[1].file())
	for _, bad := range []string{"", "# nothing", "1F600 ; fully-qualified # x E1.0 no group", "# group: A\nzz ; fully-qualified # x E1 y", "# group: A\n1F600 ; fully-qualified # x",
		"# group: A\n ; fully-qualified # x E1 y"} {
		_, err := parseList(strings.NewReader(bad))
		require.Error(t, err, bad)
	}
}

func TestFamilies(t *testing.T) {
	for name, want := range map[string][2]string{
		"woman running: dark skin tone":            {"woman running", "running"},
		"man running":                              {"man running", "running"},
		"person: medium-light skin tone, red hair": {"person: red hair", "person"},
		"older person":                             {"older person", "person"},
		"red heart":                                {"red heart", "heart"},
		"large blue diamond":                       {"large blue diamond", "diamond"},
		"flag: Red Land":                           {"flag: Red Land", "flag: Red Land"},
		"keycap: 7":                                {"keycap: 7", "keycap: 7"},
		"family: man, woman, boy":                  {"family: man, woman, boy", "family"},
		"kiss: woman, man, dark skin tone, light skin tone":  {"kiss: woman, man", "kiss"},
		"woman and man holding hands: medium-dark skin tone": {"woman and man holding hands", "holding hands"},
		"man: beard": {"man: beard", "person"},
	} {
		require.Equal(t, want, [2]string{plain(name), family(name)}, name)
	}
}

// A pixel is the mean of 4×4, over white.
func TestShrink(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 136, 128))
	put := func(x, y int, c color.NRGBA) { img.SetNRGBA(4+x, y, c) }
	for i := range 8 {
		put(i%4, i/4, color.NRGBA{200, 100, 0, 255}) // half of pixel 0, 0
	}
	for i := range 16 {
		put(124+i%4, 4+i/4, color.NRGBA{0, 0, 0, 51}) // a fifth of black on all of pixel 31, 1
	}
	encode := func() []byte {
		var b strings.Builder
		require.NoError(t, png.Encode(&b, img))
		return []byte(b.String())
	}
	p, err := shrink(encode())
	require.NoError(t, err)
	at := func(x, y int) []uint8 { return p[3*(y*size+x):][:3] }
	require.Equal(t, []uint8{228, 178, 128}, at(0, 0)) // (255 + 200)/2 and so on, rounded
	require.Equal(t, []uint8{204, 204, 204}, at(31, 1))
	require.Equal(t, []uint8{255, 255, 255}, at(1, 0))
	put(-1, 60, color.NRGBA{A: 1})
	_, err = shrink(encode())
	require.ErrorContains(t, err, "column 3")
	img = image.NewNRGBA(image.Rect(0, 0, 136, 127))
	_, err = shrink(encode())
	require.ErrorContains(t, err, "136×127")
	_, err = shrink([]byte("no picture"))
	require.Error(t, err)
}

// made is an emoji with a picture of one colour.
func made(group, name string, c uint8) drawn {
	p := new(picture)
	for i := range p {
		p[i] = c
	}
	return drawn{emoji{[]rune(name), group, name, plain(name), family(name)}, p}
}

func TestClustersKeepTogether(t *testing.T) {
	all := []drawn{made("a", "man running", 10), made("a", "woman running", 200), made("a", "walking", 201), made("b", "far", 100), made("a", "z", 101)}
	require.Equal(t, []string{"running", "running", "running", "far", "far"}, cluster(all, 2))
	require.Equal(t, []string{"running", "running", "walking", "far", "z"}, cluster(all, 0))
}

// Of two skin tones and none two remain, which ones the seed says, and no other.
func TestThin(t *testing.T) {
	var list []emoji
	for _, tone := range []string{"light", "medium", "dark"} {
		list = append(list, made("a", "man running: "+tone+" skin tone", 0).emoji)
	}
	list = append(list, made("a", "man running", 0).emoji, made("a", "apple", 0).emoji)
	seen := map[string]bool{}
	for seed := range uint64(20) {
		kept := thin(list, seed)
		require.Len(t, kept, 3)
		require.Equal(t, kept, thin(list, seed))
		require.Equal(t, []string{"man running", "apple"}, []string{kept[1].name, kept[2].name})
		seen[kept[0].name] = true
	}
	require.Len(t, seen, 3)
}

// Each group gives its share, no cluster is in both parts, and a cluster that would
// take most of a group stays.
func TestHeldOut(t *testing.T) {
	var all []drawn
	for i := range 200 {
		all = append(all, made("a", fmt.Sprint("a", i/2), 0), made("b", fmt.Sprint("b", i), 0))
		if i%2 == 0 {
			all = append(all, made("a", "crowd", 0))
		}
	}
	clusters := make([]string, len(all))
	for i, e := range all {
		clusters[i] = e.family
	}
	first := held(all, clusters, 0.15, 1)
	require.Equal(t, first, held(all, clusters, 0.15, 1))
	require.NotEqual(t, first, held(all, clusters, 0.15, 2))
	for seed := range uint64(20) {
		require.False(t, held(all, clusters, 0.15, seed)["crowd"])
	}
	counts := map[string]int{}
	for i, e := range all {
		if first[clusters[i]] {
			counts[e.group]++
		}
	}
	require.Equal(t, map[string]int{"a": 46, "b": 30}, counts) // of 300, in twos, and of 200
	require.Empty(t, held(all, clusters, 0, 1))
}

// The whole program, on a font of three pictures.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
		return filepath.Join(dir, name)
	}
	ttf := file("x.ttf", testFont(t, threePictures(t)...))
	list := file("list.txt", []byte("# group: A & B\n1F600 ; fully-qualified # x E1.0 one\n1F601 FE0F ; fully-qualified # x E1.0 two\n# group: C\n1F600 200D 1F601 ; fully-qualified # x E1.0 three\n1F602 ; fully-qualified # x E1.0 none\n"))
	out := filepath.Join(dir, "out")
	require.NoError(t, run(ttf, list, out, 0, 30, 1))
	got, err := filepath.Glob(filepath.Join(out, "*/*/*"))
	require.NoError(t, err)
	require.Len(t, got, 3)
	f, err := os.Open(filepath.Join(out, "train", "c", "1f600-200d-1f601.png"))
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 32, 32), img.Bounds())
	require.Equal(t, color.NRGBA{127, 127, 255, 255}, color.NRGBAModel.Convert(img.At(7, 7)))
	require.ErrorIs(t, run(ttf, list, out, 0, 30, 1), os.ErrExist, "no folder is written into")
	require.ErrorContains(t, run(list, list, out+"2", 0, 30, 1), "no OpenType font")
	require.ErrorContains(t, run(ttf, ttf, out+"2", 0, 30, 1), "emoji-test.txt")
	require.ErrorContains(t, run(filepath.Join(dir, "none"), list, out+"2", 0, 30, 1), "fonts-noto-color-emoji")
	require.NoDirExists(t, out+"2")
}

// A distance is exact below its limit, and the limit from there on.
func TestDistance(t *testing.T) {
	p, q := new(picture), new(picture)
	for i := range p {
		p[i] = uint8(i % 7)
		q[i] = uint8(i%7) + 3 + uint8(i%2)
	}
	exact := math.Sqrt(12.5)
	require.Equal(t, exact, distance(p, q, 255))
	require.Equal(t, exact, distance(p, q, exact+1e-9))
	require.Equal(t, exact-1e-9, distance(p, q, exact-1e-9))
	require.Zero(t, distance(p, q, 0))
	require.Zero(t, distance(p, p, 255))
}

// The pictures that models/emoji.safetensors was trained on, where Debian's packages
// are installed: another version of them gives others.
func TestDebianFont(t *testing.T) {
	const font, list = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", "/usr/share/unicode/emoji/emoji-test.txt"
	for file, sum := range map[string]string{font: "e5899ed38b8ed83e08bd3ac5de09791e9d19d288333a796de1d35ad17396f1ec", list: "8445f23ac8388e096be19d0262e14fceff856ff52093f2356dc89485f1a853db"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Skip("without Debian's fonts-noto-color-emoji and unicode-data: ", err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != sum {
			t.Skipf("%s is of another version: %s", file, got)
		}
	}
	out := filepath.Join(t.TempDir(), "emoji")
	require.NoError(t, run(font, list, out, 0.15, 30, 1))
	for part, want := range map[string]string{"train": "1fbbd5f89e44a6c8794ba8d232af3c64", "held-out": "314f56edb4d493df36e2158d2b813d00"} {
		set, err := data.Open(t.Context(), "images:"+filepath.Join(out, part), data.Options{})
		require.NoError(t, err)
		require.Len(t, set.Classes, 9)
		require.Equal(t, want, set.Sum())
	}
}
