// Command sigstore-go is the library of that name as a program, so that tests can run it as a peer. It speaks the client
// protocol of the conformance suite, with three additions: keys of every kind that the library makes, the public half of a
// key it made, and waiving the log.
//
//	sigstore-go sign-bundle [--in-toto] (--identity-token TOKEN | --algorithm NAME --public-key-out FILE)
//	            --trusted-root FILE --signing-config FILE --bundle FILE ARTIFACT
//	sigstore-go verify-bundle (--certificate-identity NAME --certificate-oidc-issuer URL | --key FILE)
//	            --trusted-root FILE --bundle FILE ARTIFACT|sha256:HEX
package main

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

func main() {
	if len(os.Args) < 2 {
		fail(errors.New("sign-bundle or verify-bundle?"))
	}
	var err error
	switch os.Args[1] {
	case "sign-bundle":
		err = signBundle(os.Args[2:])
	case "verify-bundle":
		err = verifyBundle(os.Args[2:])
	default:
		err = fmt.Errorf("no such command: %s", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func signBundle(args []string) error {
	flags := flag.NewFlagSet("sign-bundle", flag.ExitOnError)
	inToto := flags.Bool("in-toto", false, "")
	token := flags.String("identity-token", "", "")
	algorithm := flags.String("algorithm", "", "")
	keyOut := flags.String("public-key-out", "", "")
	rootFile := flags.String("trusted-root", "", "")
	configFile := flags.String("signing-config", "", "")
	out := flags.String("bundle", "", "")
	_ = flags.Parse(args)

	data, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return err
	}
	config, err := root.NewSigningConfigFromPath(*configFile)
	if err != nil {
		return err
	}
	trusted, err := root.NewTrustedRootFromPath(*rootFile)
	if err != nil {
		return err
	}
	details, ok := common.PublicKeyDetails_value[*algorithm]
	if *algorithm != "" && !ok {
		return fmt.Errorf("no such algorithm: %s", *algorithm)
	}
	keypair, err := sign.NewEphemeralKeypair(&sign.EphemeralKeypairOptions{Algorithm: common.PublicKeyDetails(details)})
	if err != nil {
		return err
	}

	options := sign.BundleOptions{TrustedRoot: trusted}
	if *token != "" {
		if err := addCertificates(&options, config, *token); err != nil {
			return err
		}
	} else {
		text, err := keypair.GetPublicKeyPem()
		if err != nil {
			return err
		}
		if err := os.WriteFile(*keyOut, []byte(text), 0o644); err != nil {
			return err
		}
		if options.TrustedRoot, err = withKey(trusted, []byte(text), common.PublicKeyDetails(details)); err != nil {
			return err
		}
	}
	if err := addWitnesses(&options, config); err != nil {
		return err
	}

	var content sign.Content = &sign.PlainData{Data: data}
	if *inToto {
		content = &sign.DSSEData{Data: data, PayloadType: "application/vnd.in-toto+json"}
	}
	signed, err := sign.Bundle(content, keypair, options)
	if err != nil {
		return err
	}
	text, err := protojson.Marshal(signed)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, text, 0o600)
}

func addCertificates(options *sign.BundleOptions, config *root.SigningConfig, token string) error {
	service, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, time.Now())
	if err != nil {
		return err
	}
	options.CertificateProvider = sign.NewFulcio(&sign.FulcioOptions{BaseURL: service.URL, Timeout: 30 * time.Second, Retries: 1})
	options.CertificateProviderOptions = &sign.CertificateProviderOptions{IDToken: token}
	return nil
}

// addWitnesses asks whatever log and timestamp authority the signing config names.
func addWitnesses(options *sign.BundleOptions, config *root.SigningConfig) error {
	if urls := config.TimestampAuthorityURLs(); len(urls) > 0 {
		services, err := root.SelectServices(urls, config.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, time.Now())
		if err != nil {
			return err
		}
		for _, service := range services {
			options.TimestampAuthorities = append(options.TimestampAuthorities,
				sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: service.URL, Timeout: 30 * time.Second, Retries: 1}))
		}
	}
	services, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(), sign.RekorAPIVersions, time.Now())
	if err != nil {
		return err
	}
	for _, service := range services {
		options.TransparencyLogs = append(options.TransparencyLogs, sign.NewRekor(&sign.RekorOptions{
			BaseURL: service.URL, Timeout: 90 * time.Second, Retries: 1, Version: service.MajorAPIVersion}))
	}
	return nil
}

func verifyBundle(args []string) error {
	flags := flag.NewFlagSet("verify-bundle", flag.ExitOnError)
	identity := flags.String("certificate-identity", "", "")
	issuer := flags.String("certificate-oidc-issuer", "", "")
	key := flags.String("key", "", "")
	rootFile := flags.String("trusted-root", "", "")
	bundleFile := flags.String("bundle", "", "")
	algorithm := flags.String("algorithm", "", "the key's, where it is not the one that its type suggests")
	noLog := flags.Bool("insecure-ignore-tlog", false, "")
	_ = flags.Parse(args)

	found, err := bundle.LoadJSONFromPath(*bundleFile)
	if err != nil {
		return err
	}
	trusted, err := root.NewTrustedRootFromPath(*rootFile)
	if err != nil {
		return err
	}
	var material root.TrustedMaterial = trusted
	var policy verify.PolicyOption
	options := []verify.VerifierOption{}
	if !*noLog {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if *key != "" {
		text, err := os.ReadFile(*key)
		if err != nil {
			return err
		}
		if material, err = withKey(trusted, text, common.PublicKeyDetails(common.PublicKeyDetails_value[*algorithm])); err != nil {
			return err
		}
		policy = verify.WithKey()
		options = append(options, verify.WithNoObserverTimestamps())
	} else {
		wanted, err := verify.NewShortCertificateIdentity(*issuer, "", *identity, "")
		if err != nil {
			return err
		}
		policy = verify.WithCertificateIdentity(wanted)
		options = append(options, verify.WithObserverTimestamps(1), verify.WithSignedCertificateTimestamps(1))
	}
	verifier, err := verify.NewVerifier(material, options...)
	if err != nil {
		return err
	}
	artifact, err := artifactPolicy(flags.Arg(0))
	if err != nil {
		return err
	}
	_, err = verifier.Verify(found, verify.NewPolicy(artifact, policy))
	return err
}

func artifactPolicy(argument string) (verify.ArtifactPolicyOption, error) {
	text, isDigest := strings.CutPrefix(argument, "sha256:")
	if isDigest && len(text) == 64 {
		digest, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		return verify.WithArtifactDigest("sha256", digest), nil
	}
	data, err := os.ReadFile(argument)
	if err != nil {
		return nil, err
	}
	return verify.WithArtifact(bytes.NewReader(data)), nil
}

// keyed is a trusted root with one key of the user's beside it.
type keyed struct {
	root.TrustedMaterial
	key root.TimeConstrainedVerifier
}

func (k *keyed) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) { return k.key, nil }

func withKey(trusted root.TrustedMaterial, text []byte, details common.PublicKeyDetails) (root.TrustedMaterial, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the public key is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	var verifier signature.Verifier
	if details == common.PublicKeyDetails_PUBLIC_KEY_DETAILS_UNSPECIFIED {
		verifier, err = signature.LoadDefaultVerifier(key)
	} else {
		var algorithm signature.AlgorithmDetails
		if algorithm, err = signature.GetAlgorithmDetails(details); err == nil {
			verifier, err = signature.LoadVerifierFromAlgorithmDetails(key, algorithm)
		}
	}
	if err != nil {
		return nil, err
	}
	return &keyed{TrustedMaterial: trusted, key: root.NewExpiringKey(verifier, time.Time{}, time.Time{})}, nil
}
