package cuda

// InUse returns the bytes of the pool that are taken, but for what the device keeps
// for itself, after those that nobody can reach have come back.
func (d *Device) InUse() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reclaim()
	if d.times.buffer == nil {
		return d.pool.used
	}
	return d.pool.used - d.pool.round(8*int64(d.times.half))
}

// Held returns the bytes that were taken from the driver.
func (d *Device) Held() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pool.held
}

// Processors returns how many the GPU has.
func (d *Device) Processors() int { return d.info.Processors }

// SetCache sets what of Winograd's form and of sums over boxes is in work at a time.
func (d *Device) SetCache(bytes int) { d.stream.Cache = bytes }
