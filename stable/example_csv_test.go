package stable_test

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"heavytail/stable"
)

// The tails of a column of a CSV: its index without a law, and the two laws that
// noise can follow. Here the table is made of Student's law with ν = 3.
func Example_tailsOfACSV() {
	var table strings.Builder
	drawn := make([]float64, 5000)
	stable.Key{Seed: 1}.StudentT(drawn, 3, 0)
	fmt.Fprintln(&table, "day,return")
	for i, v := range drawn {
		fmt.Fprintf(&table, "%d,%.4f\n", i, v)
	}

	rows, err := csv.NewReader(strings.NewReader(table.String())).ReadAll()
	if err != nil {
		panic(err)
	}
	var x []float64
	for _, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			panic(err)
		}
		x = append(x, v)
	}
	tail, err := stable.TailIndex(x)
	if err != nil {
		panic(err)
	}
	student, err := stable.FitStudent(x)
	if err != nil {
		panic(err)
	}
	law, err := stable.FitStable(x, stable.FitOptions{Symmetric: true})
	if err != nil {
		panic(err)
	}
	fmt.Printf("tail index %.1f, between %.1f and %.1f\n", tail.Alpha, tail.Interval.Lo, tail.Interval.Hi)
	fmt.Printf("nu %.1f, between %.1f and %.1f\n", student.Nu, student.Interval.Lo, student.Interval.Hi)
	fmt.Println("Student's law fits better:", stable.Compare(x, law, student) < -1.96)
	// Output:
	// tail index 2.5, between 2.0 and 3.3
	// nu 2.9, between 2.7 and 3.2
	// Student's law fits better: true
}
