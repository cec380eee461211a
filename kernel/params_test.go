package main

import (
	"reflect"
	"testing"
	"time"
)

func TestParseParams(t *testing.T) {
	tests := []struct {
		line string
		want params
	}{
		{"", params{disk: diskTimeout}},
		{"bigmem=16M", params{disk: diskTimeout, bigmem: 4096}},
		{" bigmem=4096K ", params{disk: diskTimeout, bigmem: 1024}},
		{"bigmem=lots", params{disk: diskTimeout, unknown: []string{"bigmem=lots"}}},
		{"bigmem=", params{disk: diskTimeout, unknown: []string{"bigmem="}}},
		{"bigmem=99999999999999999999G", params{disk: diskTimeout, unknown: []string{"bigmem=99999999999999999999G"}}},
		{"crash=nil", params{disk: diskTimeout, crash: "nil"}},
		{"inject=R6held swapout=1999", params{disk: diskTimeout, inject: "R6held", swapout: "1999"}},
		{"swapout=2024", params{disk: diskTimeout, swapout: "2024", unknown: []string{"swapout=2024"}}},
		{"disk_timeout=5", params{disk: 5 * time.Second}},
		{"disk_timeout=0 disk_timeout=soon", params{unknown: []string{"disk_timeout=soon"}}},
		{"norandmaps", params{disk: diskTimeout, noRand: true}},
		{"profile=1000", params{disk: diskTimeout, profile: 1000}},
		{"profile=10001 profile=0 profile", params{disk: diskTimeout, unknown: []string{"profile=10001", "profile=0", "profile"}}},
		{"quiet x=1", params{disk: diskTimeout, unknown: []string{"quiet", "x=1"}}},
	}
	for _, tt := range tests {
		if got := parseParams(tt.line); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("parseParams(%q) = %+v, want %+v", tt.line, got, tt.want)
		}
	}
}
