package main

import (
	"reflect"
	"testing"
)

func TestParseParams(t *testing.T) {
	tests := []struct {
		line string
		want params
	}{
		{"", params{}},
		{"bigmem=16M", params{bigmem: 4096}},
		{" bigmem=4096K ", params{bigmem: 1024}},
		{"bigmem=lots", params{unknown: []string{"bigmem=lots"}}},
		{"bigmem=", params{unknown: []string{"bigmem="}}},
		{"bigmem=99999999999999999999G", params{unknown: []string{"bigmem=99999999999999999999G"}}},
		{"crash=nil", params{crash: "nil"}},
		{"inject=R6held swapout=1999", params{inject: "R6held", swapout: "1999"}},
		{"swapout=2024", params{swapout: "2024", unknown: []string{"swapout=2024"}}},
		{"norandmaps", params{noRand: true}},
		{"quiet x=1", params{unknown: []string{"quiet", "x=1"}}},
	}
	for _, tt := range tests {
		if got := parseParams(tt.line); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("parseParams(%q) = %+v, want %+v", tt.line, got, tt.want)
		}
	}
}
