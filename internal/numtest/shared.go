package numtest

import (
	"fmt"
	"reflect"
)

// Full returns a T whose pointers all point somewhere and whose slices and maps
// all hold an element, down to the last field: what a test of copies starts
// from, so that it sees fields that are added later.
func Full[T any]() T {
	var v T
	fill(reflect.ValueOf(&v).Elem())
	return v
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.Zero(v.Type().Key()), reflect.Zero(v.Type().Elem()))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i))
			}
		}
	}
}

// Shared returns the path of the first memory that a and b, of one type, both
// reach: a pointer, the elements of a slice or a map; "" if there is none.
func Shared[T any](a, b T) string {
	seen := map[uintptr]bool{}
	reach(reflect.ValueOf(a), "", func(_ string, p uintptr) bool { seen[p] = true; return true })
	shared := ""
	reach(reflect.ValueOf(b), fmt.Sprintf("%T", b), func(path string, p uintptr) bool {
		if seen[p] {
			shared = path
		}
		return shared == ""
	})
	return shared
}

// reach calls f with every pointer, slice and map within v, until it says no.
func reach(v reflect.Value, path string, f func(path string, p uintptr) bool) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.IsNil() || f(path, v.Pointer()) && reach(v.Elem(), path, f)
	case reflect.Map:
		return v.IsNil() || f(path, v.Pointer())
	case reflect.Slice:
		if v.Cap() > 0 && !f(path, v.Pointer()) {
			return false
		}
		for i := range v.Len() {
			if !reach(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !reach(v.Field(i), path+"."+v.Type().Field(i).Name, f) {
				return false
			}
		}
	}
	return true
}
