package numtest

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// Elements parses a picture and counts its elements.
func Elements(t testing.TB, svg string) map[string]int {
	t.Helper()
	n, d := map[string]int{}, xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.StartElement); ok {
			n[s.Name.Local]++
		}
	}
}
