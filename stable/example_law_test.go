package stable_test

import (
	"fmt"

	"heavytail/stable"
)

// The parametrisation is part of the law: S0 is continuous through α = 1.
func ExampleLaw() {
	l := stable.Law{Alpha: 1.7, Beta: 0, Scale: 1, Loc: 0, Param: stable.S0}
	fmt.Printf("density %.6f\n", l.Density(1))
	fmt.Printf("P(X > 1000) = %.6e\n", l.Survival(1000))
	fmt.Printf("99.9 %% quantile %.6f\n", l.SurvivalQuantile(1e-3))
	fmt.Printf("log-density %.3f\n", stable.Law{Alpha: 1.5, Beta: -1, Scale: 1, Param: stable.S1}.LogDensity(100))
	fmt.Println(stable.Law{Alpha: 2.5, Scale: 1}.Validate())
	// Output:
	// density 0.210785
	// P(X > 1000) = 1.043033e-06
	// 99.9 % quantile 17.853144
	// log-density -74073.096
	// stable: law: Alpha = 2.5, want 0.1 to 2
}

// A Table serves many evaluations of one law.
func ExampleTable() {
	t, err := stable.NewTable(stable.Symmetric(1.7))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%.9f %.9f\n", t.Density(1), t.CDF(1))
	// Output: 0.210785168 0.757939450
}

// The t law of t-EDM, in its tail.
func ExampleStudentT() {
	t := stable.StudentT{Nu: 3.5, Scale: 1, Loc: 0}
	fmt.Printf("%.4e %.4f\n", t.Survival(1000), t.SurvivalQuantile(1e-9))
	// Output: 5.6281e-11 439.4985
}

// What a clamp of DLPM's multiplier A at 20 does: 2.5 % of the draws become
// exactly 20, and the mean, infinite before, is finite. Drawing again where A > 20
// would be the truncated law instead.
func ExampleClamped() {
	a := stable.MultiplierLaw(1.7)
	c, err := stable.NewClamped(a, 0, 20)
	if err != nil {
		panic(err)
	}
	t, err := stable.NewTruncated(a, 0, 20)
	if err != nil {
		panic(err)
	}
	_, atom := c.Atoms()
	fmt.Printf("P(A = 20) = %.4f, mean %.4f\n", atom, c.Mean())
	fmt.Printf("given A <= 20: mean %.4f, 99 %% quantile %.4f\n", t.Mean(), t.Quantile(0.99))
	// Output:
	// P(A = 20) = 0.0253, mean 2.9584
	// given A <= 20: mean 2.5167, 99 % quantile 14.2375
}
