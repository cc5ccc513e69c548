package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/kyverno/kyverno/pkg/config"
	imageutils "github.com/kyverno/kyverno/pkg/utils/image"
)

// What the variables of a rule name beside the document: the rule's own `context` entries, of the kind that is worked out from
// others (kyverno 1.19.1 pkg/engine/context/loaders/variable.go), and the images of the object under review. Each comes into being
// when an expression first names it, and may itself name those before it.

type contextEntry struct {
	Name     string `json:"name"`
	Value    any    `json:"value"`
	JMESPath string `json:"jmesPath"`
	Default  any    `json:"default"`
	// Instead of all of these.
	ConfigMap *configMapEntry `json:"configMap"`
}

// configMapEntry is looked up by the host, whom the answer asks for it (kyverno 1.19.1 pkg/engine/context/loaders/configmap.go).
type configMapEntry struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Of a policy that has one, which may look nowhere else.
	PolicyNamespace string `json:"policyNamespace"`
}

type objectName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// lookup is the answer in place of a result: the host looks this up, and asks again with it.
type lookup struct{ wanted objectName }

func (l *lookup) Error() string {
	return fmt.Sprintf("the ConfigMap %s/%s was not looked up", l.wanted.Namespace, l.wanted.Name)
}

type lookupResult struct {
	Wanted objectName `json:"wanted"`
}

// wantedBy turns what has to be looked up into the answer that says so.
func wantedBy(result any, err error) (any, error) {
	var wanted *lookup
	if errors.As(err, &wanted) {
		return lookupResult{wanted.wanted}, nil
	}
	return result, err
}

type lateValue struct {
	name    string
	pattern *regexp.Regexp
	isMet   bool
	// nil where there is nothing to name.
	find func() (any, error)
}

const maxContextEntries = 100

func (scope *variableScope) addLate(entries []contextEntry) error {
	if len(entries) > maxContextEntries {
		return failedf(kindLimit, "a rule has %d context entries, more than the %d allowed", len(entries), maxContextEntries)
	}
	scope.addLateValue("images", scope.objectImages)
	for _, entry := range entries {
		scope.addLateValue(entry.Name, func() (any, error) { return scope.entryValue(entry) })
	}
	scope.known = len(scope.late)
	return nil
}

// addLateValue: an expression names it as a word of its own, and not as a member of something else.
func (scope *variableScope) addLateValue(name string, find func() (any, error)) {
	pattern := regexp.MustCompile(`(?:\A|\z|\s|[^.0-9A-Za-z])` + regexp.QuoteMeta(name) + `\b`)
	scope.late = append(scope.late, &lateValue{name: name, pattern: pattern, find: find})
}

// meet brings into the document what the expression names.
func (scope *variableScope) meet(expression string) error {
	for index, late := range scope.late[:scope.known] {
		if late.isMet || !late.pattern.MatchString(expression) {
			continue
		}
		late.isMet = true
		if _, is := scope.document[late.name]; is {
			return failedf(kindEvaluation, "%s is the policy's own, and a member of what is judged as well", late.name)
		}
		known := scope.known
		scope.known = index
		value, err := late.find()
		scope.known = known
		if err != nil {
			return err
		}
		if value != nil {
			scope.document[late.name] = value
		}
	}
	return nil
}

// configMapValue: as Kyverno names its parts.
func (scope *variableScope) configMapValue(entry contextEntry) (any, error) {
	asked := entry.ConfigMap
	text := func(what, value string) (string, error) {
		filled, err := scope.fill(value)
		if err != nil {
			return "", err
		}
		found, is := filled.(string)
		if !is {
			return "", failedf(kindEvaluation, "the %s of the ConfigMap of the context entry %s is no string", what, entry.Name)
		}
		return found, nil
	}
	name, err := text("name", asked.Name)
	if err != nil {
		return nil, err
	}
	namespace, err := text("namespace", asked.Namespace)
	if err != nil {
		return nil, err
	}
	switch {
	case namespace == "" && asked.PolicyNamespace != "":
		namespace = asked.PolicyNamespace
	case namespace == "":
		namespace = "default"
	}
	if asked.PolicyNamespace != "" && namespace != asked.PolicyNamespace {
		return nil, failedf(kindRefused, "the context entry %s, for a ConfigMap of the namespace %q: a policy of the namespace %q reads those of its own alone", entry.Name, namespace, asked.PolicyNamespace)
	}
	found, is := scope.configMaps[namespace+"/"+name]
	if !is {
		return nil, &lookup{objectName{namespace, name}}
	}
	return found, nil
}

// entryValue: `value`, or what `jmesPath` finds in it, or in the document where there is no value; else `default`.
func (scope *variableScope) entryValue(entry contextEntry) (any, error) {
	if entry.ConfigMap != nil {
		return scope.configMapValue(entry)
	}
	path, err := scope.fill(entry.JMESPath)
	if err != nil {
		return nil, err
	}
	query, is := path.(string)
	if !is {
		return nil, failedf(kindEvaluation, "the JMESPath of the context entry %s is no string", entry.Name)
	}
	output, err := scope.fill(entry.Default)
	if err != nil {
		return nil, err
	}
	hasDefault := output != nil
	switch value, err := scope.fill(entry.Value); {
	case err != nil:
		return nil, err
	case query == "":
		if value != nil {
			output = value
		}
	case value != nil:
		found, err := scope.searchIn(value, query)
		if err == nil {
			output = found
		} else if err = unlessDefault(err, hasDefault); err != nil {
			return nil, err
		}
	default:
		found, err := scope.search(query)
		if err = unlessDefault(err, hasDefault); err != nil {
			return nil, err
		} else if found != nil {
			output = found
		}
	}
	if output == nil {
		return nil, failedf(kindEvaluation, "the context entry %s is nothing", entry.Name)
	}
	return output, nil
}

// unlessDefault: a default stands in for what is not there, and for nothing that is wrong with the policy.
func unlessDefault(err error, hasDefault bool) error {
	var known *failure
	if err == nil || hasDefault && errors.As(err, &known) && known.Kind == kindEvaluation {
		return nil
	}
	return err
}

var podSpecs = map[string][]string{
	"Pod":                   {"spec"},
	"DaemonSet":             {"spec", "template", "spec"},
	"Deployment":            {"spec", "template", "spec"},
	"ReplicaSet":            {"spec", "template", "spec"},
	"ReplicationController": {"spec", "template", "spec"},
	"StatefulSet":           {"spec", "template", "spec"},
	"Job":                   {"spec", "template", "spec"},
	"CronJob":               {"spec", "jobTemplate", "spec", "template", "spec"},
}

var kyvernoConfiguration = sync.OnceValue(func() config.Configuration { return config.NewDefaultConfiguration(false) })

// objectImages are those of `request.object`, by the kind and the name of their containers, as Kyverno takes them apart.
func (scope *variableScope) objectImages() (any, error) {
	request, _ := scope.document["request"].(map[string]any)
	object, _ := request["object"].(map[string]any)
	kind, _ := object["kind"].(string)
	steps, known := podSpecs[kind]
	if !known {
		return nil, nil
	}
	spec := object
	for _, step := range steps {
		spec, _ = spec[step].(map[string]any)
	}
	images := map[string]any{}
	for _, list := range []string{"initContainers", "containers", "ephemeralContainers"} {
		containers, _ := spec[list].([]any)
		found := map[string]any{}
		for index, each := range containers {
			container, _ := each.(map[string]any)
			text, _ := container["image"].(string)
			if strings.TrimSpace(text) == "" {
				continue
			}
			name, is := container["name"].(string)
			if !is {
				return nil, failedf(kindEvaluation, "a container without a name has an image")
			}
			info, err := imageutils.GetImageInfo(text, kyvernoConfiguration())
			if err != nil {
				return nil, failed(kindEvaluation, err)
			}
			decoded, err := plain(info)
			if err != nil {
				return nil, err
			}
			image, _ := decoded.(map[string]any)
			image["jsonPointer"] = fmt.Sprintf("/%s/%s/%d/image", strings.Join(steps, "/"), list, index)
			found[name] = image
		}
		if len(found) > 0 {
			images[list] = found
		}
	}
	if len(images) == 0 {
		return nil, nil
	}
	return images, nil
}
