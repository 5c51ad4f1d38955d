package experiment

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"heavytail/internal/dmath"
	"heavytail/stable"
)

// stableExperiment puts densities and distributions of stable laws beside a table of
// J. P. Nolan's, and beside other programs, which results/stable_peers.py runs.
var stableExperiment = Experiment{
	Name:    "stable",
	Summary: "densities and distributions of stable laws, and other programs', beside a table; -data has nolan_pdf_quantile.csv and stable-others.csv",
	Plan:    planStable,
}

// stableErrors are the relative errors 1e-1 … 1e-8, and their columns: the share of the
// values that are within. digits is the share that agrees with all digits of the table.
const stableErrors = 8

var stableColumns = []string{"e1", "e2", "e3", "e4", "e5", "e6", "e7", "e8", "digits", "values", "microseconds"}

const stableFile = "stable-others.csv"

// A stableProgram computes some of stableKinds. Those that are ours have of; rows of the
// others come from stableFile.
type stableProgram struct {
	name  string
	kinds []string
	of    func(stable.Law) (stableValues, error)
}

// stableValues are a law's, or those of a fast table of one.
type stableValues interface {
	Density(x float64) float64
	CDF(x float64) float64
}

var stableKinds = []string{"density", "distribution"}

var stablePrograms = []stableProgram{
	{"heavytail", stableKinds, func(l stable.Law) (stableValues, error) { return l, nil }},
	{"heavytail tables", stableKinds, func(l stable.Law) (stableValues, error) { return stable.NewTable(l) }},
	{"scipy 1.17.0", stableKinds, nil},
	{"R stabledist 0.7-1", stableKinds, nil},
	{"pylevy 2.0.0", stableKinds, nil},
	{"AUB-HTP 1.1.1", stableKinds[:1], nil},
}

func planStable(_ context.Context, o Options) (*Plan, error) {
	p := &Plan{Settings: "stable 1 table", Columns: stableColumns, Report: reportStable}
	dir, names := o.Data, []string{"nolan_pdf_quantile.csv", "nolan_pdf_quantile.csv.gz"}
	if o.Quick { // the exact values in place of the table, and no other programs
		p.Settings = "stable 1 quick"
		dir, names = cmp.Or(o.Data, filepath.Join("stable", "testdata")), []string{"nolan.csv"}
	}
	var rows []stableRow
	others := &Store{}
	if !o.Report {
		if dir == "" {
			return nil, errors.New("stable wants Nolan's table, which has no licence and does not come with the program: -data FOLDER with " + names[0] + " (or .gz) and results/" + stableFile)
		}
		var sum string
		var err error
		if rows, sum, err = readStable(dir, names); err != nil {
			return nil, err
		}
		p.Settings += " " + sum
		if !o.Quick {
			if others, err = readRows(filepath.Join(dir, stableFile), stableColumns); err != nil {
				return nil, fmt.Errorf("stable wants the rows of other programs: %w; copy results/%s, or let results/stable_peers.py write it", err, stableFile)
			}
			all := others.Results(func(Key) bool { return true }).CSV()
			p.Settings += fmt.Sprintf(", others %x", sha256.Sum256([]byte(all)))[:25]
		}
	}
	for _, m := range stablePrograms {
		if o.Quick && m.of == nil {
			continue
		}
		p.Jobs = append(p.Jobs, m.job(rows, others))
	}
	return p, nil
}

// job measures ours, or takes the rows of another program.
func (p stableProgram) job(rows []stableRow, others *Store) Job {
	var j Job
	for _, kind := range p.kinds {
		j.Keys = append(j.Keys, Key{p.name, kind, 0})
	}
	j.Do = func(ctx context.Context, _ *Worker) (v [][]float64, err error) {
		if p.of != nil {
			return measureStable(ctx, rows, p.of)
		}
		for _, k := range j.Keys {
			if others.rows[k] == nil {
				return nil, fmt.Errorf("%s has no row %s %s", others.path, k.Method, k.Setting)
			}
			v = append(v, others.rows[k])
		}
		return v, nil
	}
	return j
}

// A stableRow is a law of S0 and what is to come out at x; small is the smaller of the
// probabilities below and above.
type stableRow struct {
	law                    stable.Law
	x, density, cdf, small float64
}

// readStable reads the first of the files that is there: alpha, beta, x, p, density and,
// where the table is checked, the exact density and probabilities below and above.
func readStable(dir string, names []string) (rows []stableRow, sum string, err error) {
	var text []byte
	var path string
	for _, name := range names {
		path = filepath.Join(dir, name)
		if text, err = os.ReadFile(path); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return nil, "", fmt.Errorf("stable: no table: %w; give its folder with -data, or with -quick run in the root of the sources", err)
	}
	var in io.Reader = bytes.NewReader(text)
	if filepath.Ext(path) == ".gz" {
		if in, err = gzip.NewReader(in); err != nil {
			return nil, "", fmt.Errorf("%s: %w", path, err)
		}
	}
	c := csv.NewReader(in)
	c.Comment = '#'
	lines, err := c.ReadAll()
	for i, line := range lines {
		v := make([]float64, len(line))
		for k := range v {
			if v[k], err = strconv.ParseFloat(line[k], 64); err != nil {
				return nil, "", fmt.Errorf("%s: row %d: %w", path, i+1, err)
			}
		}
		switch len(v) {
		case 5:
			v = append(v, v[4], v[3], 1-v[3])
		case 8:
		default:
			return nil, "", fmt.Errorf("%s: row %d: %d fields, want alpha, beta, x, p and density", path, i+1, len(v))
		}
		rows = append(rows, stableRow{stable.Law{Alpha: v[0], Beta: v[1], Scale: 1}, v[2], v[5], v[6], min(v[6], v[7])})
	}
	if err == nil && len(rows) == 0 {
		err = errNoRows
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return rows, fmt.Sprintf("%x", sha256.Sum256(text))[:16], nil
}

// measureStable returns the columns of densities and of distributions.
func measureStable(ctx context.Context, rows []stableRow, of func(stable.Law) (stableValues, error)) ([][]float64, error) {
	out := [][]float64{make([]float64, len(stableColumns)), make([]float64, len(stableColumns))}
	var took [2]time.Duration
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].law == rows[0].law {
			n++
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d, err := of(rows[0].law)
		if err != nil {
			return nil, err
		}
		for i, f := range []func(float64) float64{d.Density, d.CDF} {
			took[i] += judgeStable(out[i], rows[:n], f, i == 0)
		}
		rows = rows[n:]
	}
	for i, v := range out {
		n := v[stableErrors+1]
		for k := range stableErrors + 1 {
			v[k] /= n
		}
		v[len(v)-1] = took[i].Seconds() * 1e6 / n
	}
	return out, nil
}

// judgeStable counts the values of one law that are within each error, and returns the
// time of all: the least of three, as others may be at work.
func judgeStable(count []float64, rows []stableRow, f func(float64) float64, density bool) time.Duration {
	got, least := make([]float64, len(rows)), time.Duration(math.MaxInt64)
	for range 3 {
		start := time.Now()
		for i, r := range rows {
			got[i] = f(r.x)
		}
		least = min(least, time.Since(start))
	}
	for i, r := range rows {
		want, size := r.cdf, r.small
		if density {
			want, size = r.density, r.density
		}
		for k := range stableErrors {
			if math.Abs(got[i]-want) <= size*math.Pow(10, -float64(k+1)) {
				count[k]++
			}
		}
		// x has eight digits: it stands for an interval, of which the values of the
		// ends hold that of the table if it is right; its density has nine digits.
		h := float64(0.5 * math.Pow(10, math.Floor(dmath.Log(math.Abs(r.x))/math.Ln10)-7))
		lo, hi, slack := f(r.x-h), f(r.x+h), float64(1e-9*size)
		if density {
			lo, hi, slack = min(lo, hi, got[i]), max(lo, hi, got[i]), float64(1e-8*size)
		}
		if want >= lo-slack && want <= hi+slack {
			count[stableErrors]++
		}
		count[stableErrors+1]++
	}
	return least
}
