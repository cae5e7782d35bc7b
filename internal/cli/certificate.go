package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/certificate"
)

func newCertificate(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "certificate",
		Short: "Print the authority that signs the server's own certificates",
		Long: `Prints, in PEM, what clients of a server with --tls-self-signed may trust. It is
good for ten years; the certificates that it signs are renewed by the server.`,
		Example: `  gowhisk certificate > gowhisk.pem
  kubectl exec --namespace openwhisk owdev-gowhisk-0 -- gowhisk certificate > gowhisk.pem
  SSL_CERT_FILE=gowhisk.pem wsk list`,
		Args: args(cobra.NoArgs),
	}
	s := addSettings(cmd, env, onlyDataDir)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := s.load(cmd)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(c.DataDir, certificate.AuthorityFile))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s has none: it is made by gowhisk serve --tls-self-signed", c.DataDir)
		}
		if err != nil {
			return fmt.Errorf("read certificate: %w", err)
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
}
