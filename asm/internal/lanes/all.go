package lanes

// Values of one register each may be joined to one of several: operations with it do
// the same for each in turn, so that none waits for the one before.

// LoadAll joins Load of all of at.
func (m *Machine) LoadAll(at []V, tail bool) (v V) {
	for _, a := range at {
		v = append(v, m.Load(a, tail)...)
	}
	return v
}

// FetchAll joins Fetch of all of at.
func (m *Machine) FetchAll(at []V, tail bool) (v V) {
	for _, a := range at {
		v = append(v, m.Fetch(a, tail)...)
	}
	return v
}

// StoreAll does Store of each register of v.
func (m *Machine) StoreAll(v V, at []V, tail bool) {
	for i, a := range at {
		m.Store(v[i:i+1], a, tail)
	}
}
