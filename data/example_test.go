package data_test

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"heavytail/data"
)

// spirals are points on two arms of a spiral, a class each: a data set of a
// program's own is two methods.
type spirals struct{ n int }

func (s spirals) Len() int { return s.n }

func (s spirals) Sample(dst []float64, i int) (class int) {
	r := float64(1+i/2) / float64(s.n/2)
	sin, cos := math.Sincos(2*math.Pi*r + math.Pi*float64(i%2))
	dst[0], dst[1] = r*cos, r*sin
	return i % 2
}

// A Set of points that are computed when training asks for them.
func ExampleFrom() {
	set, err := data.From(spirals{1600}, []int{2}, []string{"one arm", "other arm"})
	if err != nil {
		panic(err)
	}
	x := make([]float64, set.Per())
	set.Float64(x, 198)
	fmt.Printf("%d samples of %v in %d classes; sample 198: %.3f\n", set.Len(), set.Shape, set.NumClasses(), x)
	_, err = data.From(spirals{1600}, []int{2}, []string{"one arm"})
	fmt.Println(err)
	// Output:
	// 1600 samples of [2] in 2 classes; sample 198: [0.088 0.088]
	// row 1 (from 0) has class 1 of 1; want −1 (none) for all, or the numbers of the classes from 0
}

// A picture as the sample of a model that makes grey images of 2×2 pixels, to start
// from (heavytail.Edit).
func ExampleFromImage() {
	img := image.NewGray(image.Rect(0, 0, 2, 2))
	img.SetGray(1, 0, color.Gray{Y: 255})
	x, err := data.FromImage(img, []int{2, 2, 1})
	fmt.Println(x, err)
	// Output: [-1 1 -1 -1] <nil>
}
