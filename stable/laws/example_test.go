package laws_test

import (
	"fmt"

	"heavytail/stable/laws"
)

// Variates 1000 to 1002 of a law that is named by its text.
func Example() {
	m, err := laws.New("student:3,2,1", laws.Options{}) // ν, scale, location
	if err != nil {
		panic(err)
	}
	x := make([]float64, 3)
	m.Fill64(x, 7, 1000)
	fmt.Printf("%.3f\n", x)
	_, err = laws.New("stable:1.5,0.5", laws.Options{})
	fmt.Println(err)
	// Output:
	// [2.758 -2.663 8.367]
	// a skewed law needs a parametrisation, s0 or s1, which differ by β·tan(πα/2)
}
