package train

import (
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"heavytail/internal/atomicfile"
	"heavytail/internal/chart"
)

// curveFile is the picture of the losses in log.csv, beside it.
const curveFile = "loss.svg"

// curvePoints is the most points of the curve; of longer logs each is the mean
// of as many lines.
const curvePoints = 500

// writeCurve draws the losses of log.csv, which is read again so that a resumed
// run shows the whole.
func writeCurve(dir string) error {
	text, err := readFile(filepath.Join(dir, "log.csv"))
	if err != nil {
		return err
	}
	step, loss := curve(string(text))
	if len(step) == 0 {
		return nil
	}
	figure := chart.Figure{Plots: []chart.Plot{{Title: "training", XLabel: "step", YLabel: "loss", LogY: true,
		Series: []chart.Series{{X: step, Y: loss, Style: chart.Curve}}}}}
	return atomicfile.Write(filepath.Join(dir, curveFile), func(w io.Writer) error {
		_, err := io.WriteString(w, figure.SVG())
		return err
	})
}

// curve returns the steps and losses of the lines of log.csv, or, of more than
// curvePoints lines, the last step and the mean loss of each group of them.
func curve(text string) (step, loss []float64) {
	_, text, _ = strings.Cut(text, "\n")
	group := (strings.Count(text, "\n") + curvePoints - 1) / curvePoints
	sum, n, last := 0.0, 0, 0.0
	flush := func() {
		if n > 0 {
			step, loss = append(step, last), append(loss, sum/float64(n))
		}
		sum, n = 0, 0
	}
	for line := range strings.Lines(text) {
		fields := strings.SplitN(line, ",", 3)
		if len(fields) < 3 {
			continue
		}
		s, err := strconv.ParseFloat(fields[0], 64)
		v, err2 := strconv.ParseFloat(fields[1], 64)
		if err != nil || err2 != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		last, sum, n = s, sum+v, n+1
		if n == group {
			flush()
		}
	}
	flush()
	return step, loss
}
