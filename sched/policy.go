package sched

import "time"

// Slice is how long a task may run while others wait for its CPU.
const Slice = 10 * time.Millisecond

// Policy is the order in which waiting tasks get a CPU. Its methods run with the
// run queue's spinlock held: they must not sleep or allocate. Entity has a link
// for them.
type Policy interface {
	// Enqueue takes in a task that wants to run and found no CPU.
	Enqueue(e *Entity)
	// Pick removes and returns the task to run next, nil if there is none.
	Pick() *Entity
}

// RoundRobin is the policy at start: first come, first served, and who has used
// up a slice goes to the end.
type RoundRobin struct{ head, tail *Entity }

// Enqueue puts e at the end.
func (q *RoundRobin) Enqueue(e *Entity) {
	e.Link = nil
	if q.tail == nil {
		q.head = e
	} else {
		q.tail.Link = e
	}
	q.tail = e
}

// Pick takes the first.
func (q *RoundRobin) Pick() *Entity {
	e := q.head
	if e != nil {
		q.head, e.Link = e.Link, nil
		if q.head == nil {
			q.tail = nil
		}
	}
	return e
}
