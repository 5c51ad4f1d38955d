package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"heavytail/internal/atomicfile"
)

// sequences writes samples that are windows of so many rows: a line for each row, with
// the number of its sample from 0 and its time from 1 before its values.
func (t rows) sequences(ctx context.Context, of *drawn, window, bits int) error {
	d := of.per() / window
	const least = 6 // bytes of a line besides its values, of which each takes 2 or more
	return atomicfile.WriteSized(t.path, int64(of.n)*int64(window)*int64(least-1+2*d), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		_, _ = b.WriteString("sample,time") // Flush tells of errors
		names := of.columns
		for c := range d {
			name := fmt.Sprintf("x%d", c)
			if c < len(names) {
				name = strings.TrimSuffix(names[c], "_1") // of the first row
			}
			_, _ = b.WriteString("," + quotedCell(name))
		}
		_ = b.WriteByte('\n')
		var line []byte
		err := of.stream64(ctx, func(first int, x []float64) error {
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
		if err != nil {
			return err
		}
		return b.Flush()
	})
}
