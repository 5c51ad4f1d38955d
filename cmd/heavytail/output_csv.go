package main

import (
	"bufio"
	"context"
	"io"
	"strconv"
	"strings"

	"heavytail/internal/atomicfile"
	"heavytail/internal/cli"
)

// rows is a table of points: the names of the columns, if the model knows them,
// then a line per sample with the digits that give the same numbers back.
type rows struct{ path string }

func (t rows) write(ctx context.Context, of *drawn) error {
	if of.images() {
		return cli.Usage("-o %s: a table is for points, these are images; write them to .npy, .png or a folder", t.path)
	}
	bits := 32
	if of.wide {
		bits = 64
	}
	if of.window > 0 {
		return t.sequences(ctx, of, of.window, bits)
	}
	const least = 2 // bytes of a value: a digit and what parts it from the next
	return atomicfile.WriteSized(t.path, least*int64(of.n)*int64(of.per()), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		if of.columns != nil {
			var names []string
			for _, name := range of.columns {
				names = append(names, quotedCell(name))
			}
			_, _ = b.WriteString(strings.Join(names, ",") + "\n") // Flush tells of errors
		}
		d, cell := of.per(), []byte(nil)
		err := of.stream64(ctx, func(_ int, x []float64) error {
			for i, v := range x {
				end := byte(',')
				if i%d == d-1 {
					end = '\n'
				}
				cell = append(strconv.AppendFloat(cell[:0], v, 'g', -1, bits), end)
				if _, err := b.Write(cell); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		return b.Flush()
	})
}

// quotedCell writes text as a cell of a table, quoted where it must be.
func quotedCell(text string) string {
	if text == "" || strings.ContainsAny(text, "\",;\t|#\r\n") || strings.TrimSpace(text) != text {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}
