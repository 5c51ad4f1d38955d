// Command emoji makes the pictures that models/emoji.safetensors was trained on, and
// those that were held out, of a font with colour bitmaps and Unicode's list of
// emoji, which Debian has in fonts-noto-color-emoji and unicode-data:
//
//	go run ./tools/emoji -out emoji
//
// writes emoji/train and emoji/held-out: 32×32 pixels, on white, in a folder for
// each of the list's groups. Equal font, list and seed give the same pictures.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	fontFile := flag.String("font", "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf", "font with the tables CBLC and CBDT")
	listFile := flag.String("list", "/usr/share/unicode/emoji/emoji-test.txt", "Unicode's list of emoji and their groups")
	out := flag.String("out", "", "folder to write, which must not be there (required)")
	share := flag.Float64("held-out", 0.15, "share of each group that is held out")
	near := flag.Float64("near", 30, "pictures with a smaller root mean squared difference, of 255, are kept together")
	seed := flag.Uint64("seed", 1, "seed of what is held out, and of the skin tones kept")
	flag.Parse()
	if flag.NArg() > 0 || *out == "" || !(*share >= 0 && *share < 1) || !(*near >= 0) {
		fmt.Fprintln(os.Stderr, "usage: emoji -out FOLDER, with -held-out from 0 to below 1 and -near of 0 or more")
		flag.PrintDefaults()
		os.Exit(2)
	}
	if err := run(*fontFile, *listFile, *out, *share, *near, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "emoji:", err)
		os.Exit(1)
	}
}

func run(fontFile, listFile, out string, share, near float64, seed uint64) error {
	b, err := os.ReadFile(fontFile)
	if err != nil {
		return fmt.Errorf("%w (Debian: apt-get install fonts-noto-color-emoji)", err)
	}
	f, err := parseFont(b)
	if err != nil {
		return fmt.Errorf("%s: %w", fontFile, err)
	}
	r, err := os.Open(listFile)
	if err != nil {
		return fmt.Errorf("%w (Debian: apt-get install unicode-data)", err)
	}
	defer r.Close()
	list, err := parseList(r)
	if err != nil {
		return fmt.Errorf("%s: %w", listFile, err)
	}
	kept := thin(list, seed)
	all, missing, err := drawAll(f, kept)
	if err != nil {
		return fmt.Errorf("%s: %w", fontFile, err)
	}
	clusters := cluster(all, near)
	apart := held(all, clusters, share, seed)
	if err := write(out, all, clusters, apart); err != nil {
		return err
	}
	report(all, clusters, apart)
	fmt.Printf("%d emoji in the list, %d without most skin tones, %d of these not in the font\n", len(list), len(kept), missing)
	return nil
}

// drawAll takes the pictures of the list's emoji, and counts those without one.
func drawAll(f *font, list []emoji) (all []drawn, missing int, err error) {
	for _, e := range list {
		b := f.picture(e.codes)
		if b == nil {
			missing++
			continue
		}
		p, err := shrink(b)
		if err != nil {
			return nil, 0, fmt.Errorf("%s (%s): %w", e.name, e.file(), err)
		}
		all = append(all, drawn{e, p})
	}
	return all, missing, nil
}

// part is the folder of a picture.
func part(out bool) string {
	if out {
		return "held-out"
	}
	return "train"
}

func write(out string, all []drawn, clusters []string, apart map[string]bool) error {
	if err := os.Mkdir(out, 0o777); err != nil {
		return err
	}
	for i, e := range all {
		dir := filepath.Join(out, part(apart[clusters[i]]), e.group)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
		b, err := e.picture.encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, e.file()), b, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// report prints how many pictures and clusters each group has, and how near a
// held-out picture comes to one of training.
func report(all []drawn, clusters []string, apart map[string]bool) {
	type count struct{ train, held int }
	groups := map[string]*count{}
	var names []string
	var nearest []float64
	for i, e := range all {
		c := groups[e.group]
		if c == nil {
			c = new(count)
			groups[e.group], names = c, append(names, e.group)
		}
		if !apart[clusters[i]] {
			c.train++
			continue
		}
		c.held++
		least := 255.0
		for j := range all {
			if !apart[clusters[j]] {
				least = distance(e.picture, all[j].picture, least)
			}
		}
		nearest = append(nearest, least)
	}
	for _, g := range names {
		fmt.Printf("%-18s %4d for training, %3d held out\n", g, groups[g].train, groups[g].held)
	}
	slices.SortFunc(nearest, cmp.Compare[float64])
	if n := len(nearest); n > 0 {
		fmt.Printf("of the held-out pictures, the nearest to one of training is %.1f away from it, the median one %.1f (root mean square, of 255)\n", nearest[0], nearest[n/2])
	}
	fmt.Printf("clusters of pictures that are kept together: %d\n", len(slices.Compact(slices.Sorted(slices.Values(clusters)))))
}
