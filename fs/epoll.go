package fs

type epollItem struct{ next *epollItem }

func (f *File) unwatch() {}
