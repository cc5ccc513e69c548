package main

// recent keeps what was compiled last, by its full source, so that an evaluation never runs another policy's program.
type recent[K comparable, V any] struct {
	limit  int
	values map[K]V
	order  []K // least recently used first
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit: limit, values: map[K]V{}}
}

func (r *recent[K, V]) take(key K) (V, bool) {
	value, present := r.values[key]
	if present {
		r.touch(key)
	}
	return value, present
}

func (r *recent[K, V]) put(key K, value V) {
	if _, present := r.values[key]; !present && len(r.order) >= r.limit {
		delete(r.values, r.order[0])
		r.order = r.order[1:]
	}
	r.values[key] = value
	r.touch(key)
}

func (r *recent[K, V]) touch(key K) {
	for i, other := range r.order {
		if other == key {
			r.order = append(r.order[:i], r.order[i+1:]...)
			break
		}
	}
	r.order = append(r.order, key)
}
