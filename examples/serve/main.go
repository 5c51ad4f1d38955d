// Command serve trains on a table of its own, and serves samples of the model:
//
//	serve -data returns.csv -dir runs/returns -addr :8080
//	curl 'localhost:8080/?n=1000&seed=7'
package main

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"log"
	"net/http"
	"path/filepath"
	"strconv"

	"heavytail"
	"heavytail/data"
	"heavytail/recipe"
	"heavytail/train"
)

func main() {
	table, dir := flag.String("data", "returns.csv", "table of numbers"), flag.String("dir", "runs/returns", "folder of the run")
	addr, steps := flag.String("addr", "localhost:8080", "where to serve"), flag.Int("steps", 2000, "training steps")
	flag.Parse()
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	set, err := data.Open(context.Background(), "csv:"+*table, data.Options{})
	must(err)
	r, err := recipe.Preset("toy")
	must(err)
	must(r.Use(recipe.TEDM)) // Student-t noise
	r.Train.Steps = *steps
	notes, err := train.Prepare(&r, set)
	must(err)
	log.Println(notes)
	_, err = train.Fit(context.Background(), r, set, train.Options{Dir: *dir}) // goes on where it was stopped
	must(err)
	m, err := heavytail.OpenFile(filepath.Join(*dir, train.ModelFile))
	must(err)
	log.Println("serving on", *addr)
	must(http.ListenAndServe(*addr, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n, _ := strconv.Atoi(q.FormValue("n")) // 0 of none: one sample
		seed, _ := strconv.ParseUint(q.FormValue("seed"), 10, 64)
		x, err := m.Sample(q.Context(), heavytail.Options{N: min(n, 1<<20), Seed: seed}) // ends with the client
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		rows, v := csv.NewWriter(w), x.Float32()
		for row := make([]string, m.Shape()[0]); len(v) > 0; v = v[len(row):] {
			for c := range row {
				row[c] = fmt.Sprint(v[c])
			}
			_ = rows.Write(row)
		}
		rows.Flush()
	})))
}
