package output

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"heavytail/internal/atomicfile"
)

// table is a table of points: the names of the columns, if the model knows them,
// then a line per sample with the digits that give the same numbers back.
type table struct{ path string }

func (table) check(of *Samples) error {
	if of.Images() {
		return errors.New("a table is for points, these are images; write them to .npy, .png or a folder")
	}
	return nil
}

func (t table) write(ctx context.Context, of *Samples) error {
	bits := 32
	if of.Wide {
		bits = 64
	}
	if of.Window > 0 {
		return t.sequences(ctx, of, of.Window, bits)
	}
	const least = 2 // bytes of a value: a digit and what parts it from the next
	return t.lines(least*int64(of.N)*int64(of.per()), func(b *bufio.Writer) error {
		if of.Columns != nil {
			var names []string
			for _, name := range of.Columns {
				names = append(names, quotedCell(name))
			}
			_, _ = b.WriteString(strings.Join(names, ",") + "\n") // Flush tells of errors
		}
		d, cell := of.per(), []byte(nil)
		return of.stream64(ctx, 0, of.N, func(_ int, x []float64) error {
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
	})
}

// lines writes a file of at least so many bytes.
func (t table) lines(size int64, fill func(b *bufio.Writer) error) error {
	return atomicfile.WriteSized(t.path, size, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		if err := fill(b); err != nil {
			return err
		}
		return b.Flush()
	})
}

// sequences writes samples that are windows of so many rows: a line for each row, with
// the number of its sample from 0 and its time from 1 before its values.
func (t table) sequences(ctx context.Context, of *Samples, window, bits int) error {
	d := of.per() / window
	const least = 6 // bytes of a line besides its values, of which each takes 2 or more
	return t.lines(int64(of.N)*int64(window)*int64(least-1+2*d), func(b *bufio.Writer) error {
		_, _ = b.WriteString("sample,time") // Flush tells of errors
		names := of.Columns
		for c := range d {
			name := fmt.Sprintf("x%d", c)
			if c < len(names) {
				name = strings.TrimSuffix(names[c], "_1") // of the first row
			}
			_, _ = b.WriteString("," + quotedCell(name))
		}
		_ = b.WriteByte('\n')
		var line []byte
		return of.stream64(ctx, 0, of.N, func(first int, x []float64) error {
			for i := 0; i < len(x); i += d {
				line = strconv.AppendInt(line[:0], int64(first+i/(window*d)), 10)
				line = strconv.AppendInt(append(line, ','), int64(1+i/d%window), 10)
				for _, v := range x[i : i+d] {
					line = strconv.AppendFloat(append(line, ','), v, 'g', -1, bits)
				}
				if _, err := b.Write(append(line, '\n')); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// quotedCell writes text as a cell of a table, quoted where it must be.
func quotedCell(text string) string {
	if text == "" || strings.ContainsAny(text, "\",;\t|#\r\n") || strings.TrimSpace(text) != text {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}
