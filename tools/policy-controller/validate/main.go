// Validates policies with policy-controller's own code, as its webhook would: the oracle for its defaults and messages.
//
//	policy-validator < objects    one ClusterImagePolicy or TrustRoot a line, as JSON; one answer a line
//
// An answer has the object with its defaults, and the texts of the webhook's refusal and of its warnings.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sigstore/policy-controller/pkg/apis/policy/common"
	"github.com/sigstore/policy-controller/pkg/apis/policy/v1alpha1"
	"github.com/sigstore/policy-controller/pkg/apis/policy/v1beta1"
	"k8s.io/apimachinery/pkg/util/sets"
	"knative.dev/pkg/apis"
)

type resource interface {
	apis.Defaultable
	apis.Validatable
}

type answer struct {
	Refusal  string   `json:"refusal"`
	Warnings string   `json:"warnings"`
	Object   resource `json:"object,omitempty"`
}

func empty(line []byte) (resource, error) {
	var meta struct{ APIVersion, Kind string }
	if err := json.Unmarshal(line, &meta); err != nil {
		return nil, err
	}
	switch meta.APIVersion + " " + meta.Kind {
	case "policy.sigstore.dev/v1beta1 ClusterImagePolicy":
		return &v1beta1.ClusterImagePolicy{}, nil
	case "policy.sigstore.dev/v1alpha1 ClusterImagePolicy":
		return &v1alpha1.ClusterImagePolicy{}, nil
	case "policy.sigstore.dev/v1alpha1 TrustRoot":
		return &v1alpha1.TrustRoot{}, nil
	}
	return nil, fmt.Errorf("unhandled kind: %s %s", meta.APIVersion, meta.Kind)
}

// judge does what the defaulting and the validating webhook do one after the other (knative.dev/pkg/webhook).
func judge(line []byte) answer {
	object, err := empty(line)
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(object)
	}
	if err != nil {
		return answer{Refusal: fmt.Sprintf("decoding request failed: cannot decode incoming new object: %v", err)}
	}
	ctx := context.Background()
	object.SetDefaults(ctx)
	result := answer{Object: object}
	errs := object.Validate(ctx)
	if refusal := errs.Filter(apis.ErrorLevel); refusal != nil {
		result.Refusal = fmt.Sprintf("validation failed: %v", refusal)
	}
	if warning := errs.Filter(apis.WarningLevel); warning != nil {
		result.Warnings = warning.Error()
	}
	return result
}

func main() {
	// As cmd/webhook sets it.
	common.ValidResourceNames = sets.NewString("pods", "replicasets", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs")
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		if err := encoder.Encode(judge(lines.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
