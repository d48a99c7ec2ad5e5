//go:build tools

// Package tools keeps the Pulumi command line among the requirements of this module, so that `go mod tidy` pins
// everything it is built from. Nothing is compiled from this file.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
