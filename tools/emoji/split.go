package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// A drawn emoji is one with its picture.
type drawn struct {
	emoji
	picture *picture
}

// thin keeps, of what differs by skin tones alone, the emoji without one and one
// more, by the seed: 1,785 of the 3,655 emoji of Unicode 15 have skin tones, and a
// model would see little else.
func thin(list []emoji, seed uint64) (kept []emoji) {
	tones := map[string][]emoji{}
	for _, e := range list {
		if e.name != e.plain {
			tones[e.plain] = append(tones[e.plain], e)
		}
	}
	for _, e := range list {
		if e.name == e.plain {
			kept = append(kept, e)
			continue
		}
		all := tones[e.plain]
		if one := all[draw(seed, "tone", e.plain)%uint64(len(all))]; one.name == e.name {
			kept = append(kept, e)
		}
	}
	return kept
}

// draw is a number that depends on the seed and a name alone, so that an emoji that
// a later list adds moves no other one.
func draw(seed uint64, what, name string) uint64 {
	h := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", seed, what, name))
	return binary.LittleEndian.Uint64(h[:])
}

// cluster joins what must not be parted: emoji of one family, and those whose
// pictures are nearer to each other than near. It returns the cluster of each, named
// by the least family in it.
func cluster(all []drawn, near float64) []string {
	parent := make([]int, len(all))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	families := map[string]int{}
	for i, e := range all {
		if j, ok := families[e.family]; ok {
			parent[root(i)] = root(j)
		}
		families[e.family] = i
	}
	for i := range all {
		for j := range i {
			if root(i) != root(j) && distance(all[i].picture, all[j].picture, near) < near {
				parent[root(i)] = root(j)
			}
		}
	}
	names := map[int]string{}
	for i, e := range all {
		if n, ok := names[root(i)]; !ok || e.family < n {
			names[root(i)] = e.family
		}
	}
	out := make([]string, len(all))
	for i := range all {
		out[i] = names[root(i)]
	}
	return out
}

// held says which clusters are not for training. Of every class they are taken in
// the order of their draws until they hold the share of its pictures; one that
// would exceed twice of what is missing is passed over, so that a large cluster
// does not take a class from training.
func held(all []drawn, clusters []string, share float64, seed uint64) map[string]bool {
	out := map[string]bool{}
	sizes, class, total := map[string]int{}, map[string]string{}, map[string]int{}
	for i, e := range all {
		sizes[clusters[i]]++
		if class[clusters[i]] == "" {
			class[clusters[i]] = e.group
		}
		total[class[clusters[i]]]++
	}
	var order []string
	for c := range sizes {
		order = append(order, c)
	}
	slices.SortFunc(order, func(a, b string) int {
		da, db := draw(seed, "part", a), draw(seed, "part", b)
		switch {
		case da < db:
			return -1
		case da > db:
			return 1
		}
		return 0
	})
	taken := map[string]int{}
	for _, c := range order {
		missing := float64(share*float64(total[class[c]])) - float64(taken[class[c]])
		if missing > 0 && float64(sizes[c]) <= 2*missing {
			out[c] = true
			taken[class[c]] += sizes[c]
		}
	}
	return out
}
