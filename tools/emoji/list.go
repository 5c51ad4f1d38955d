package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// An emoji is a line of Unicode's emoji-test.txt, or several that this program
// does not tell apart.
type emoji struct {
	codes  []rune
	group  string // smileys-emotion and so on: the class
	name   string // woman running: dark skin tone
	plain  string // the name without its skin tones
	family string // what all its near-duplicates are called
}

// file is the name of the emoji's picture: its code points.
func (e emoji) file() string {
	var parts []string
	for _, c := range e.codes {
		parts = append(parts, fmt.Sprintf("%04x", c))
	}
	return strings.Join(parts, "-") + ".png"
}

// parseList reads emoji-test.txt: its fully-qualified emoji, in its order. The
// group Component, which are parts of emoji, is left out.
func parseList(r io.Reader) (list []emoji, err error) {
	group := ""
	s := bufio.NewScanner(r)
	for n := 1; s.Scan(); n++ {
		line := s.Text()
		if name, ok := strings.CutPrefix(line, "# group: "); ok {
			group = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " & ", "-")
			continue
		}
		codes, rest, ok := strings.Cut(line, ";")
		if !ok || strings.HasPrefix(line, "#") || group == "component" {
			continue
		}
		status, comment, _ := strings.Cut(rest, "#")
		if strings.TrimSpace(status) != "fully-qualified" {
			continue
		}
		e := emoji{group: group}
		for _, f := range strings.Fields(codes) {
			c, err := strconv.ParseUint(f, 16, 21)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			e.codes = append(e.codes, rune(c))
		}
		// The comment is the emoji, the version of Unicode that has it first, its name.
		fields := strings.SplitN(strings.TrimSpace(comment), " ", 3)
		if len(fields) < 3 || group == "" || len(e.codes) == 0 {
			return nil, fmt.Errorf("line %d: %q is no line of emoji-test.txt: want code points, a status, and the emoji with version and name, below a group", n, line)
		}
		e.name = fields[2]
		e.plain, e.family = plain(e.name), family(e.name)
		list = append(list, e)
	}
	if err := s.Err(); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no fully-qualified emoji in it; it is to be Unicode's emoji-test.txt")
	}
	return list, nil
}

// plain is a name without the skin tones in it.
func plain(name string) string {
	head, tail, ok := strings.Cut(name, ": ")
	if !ok {
		return name
	}
	var keep []string
	for part := range strings.SplitSeq(tail, ", ") {
		if !strings.HasSuffix(part, "skin tone") {
			keep = append(keep, part)
		}
	}
	if len(keep) == 0 {
		return head
	}
	return head + ": " + strings.Join(keep, ", ")
}

// variants are words that tell apart emoji of one drawing: who is drawn, and in
// which colour.
var variants = wordSet(`man woman person men women people boy girl child and old older
	red orange yellow green blue light dark purple brown black white grey pink
	small medium large medium-small medium-dark medium-light`)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

// family is what remains of a name once the variants are dropped: "woman running:
// dark skin tone" and "man running" are of the family "running", "red heart" is of
// "heart". What a flag or a key shows stands behind its colon and remains.
func family(name string) string {
	head, tail, ok := strings.Cut(name, ": ")
	if ok && (head == "flag" || head == "keycap") {
		return head + ": " + tail
	}
	var keep []string
	for w := range strings.FieldsSeq(strings.ToLower(head)) {
		if w = strings.Trim(w, ",."); !variants[w] {
			keep = append(keep, w)
		}
	}
	if len(keep) == 0 {
		return "person"
	}
	return strings.Join(keep, " ")
}
