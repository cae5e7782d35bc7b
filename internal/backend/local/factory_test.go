package local_test

import (
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/containerpool/factorytest"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// certify runs the kit of the port in one tier.
func certify(t *testing.T, tier sandbox.Tier, families ...string) {
	factorytest.Run(t, func(t *testing.T) (containerpool.Factory, factorytest.Kinds) {
		factory, _ := newFactory(t, tier)
		return factory, certified(t, families...)
	})
}

func TestFactoryKeepsTheContractInTierFull(t *testing.T) {
	certify(t, sandbox.TierFull, "nodejs", "python", "php", "ruby", "bash", "blackbox", "go")
}

func TestFactoryKeepsTheContractInTierRootless(t *testing.T) {
	certify(t, sandbox.TierRootless, "nodejs", "python", "bash")
}

func TestFactoryKeepsTheContractInTierLandlock(t *testing.T) {
	certify(t, sandbox.TierLandlock, "nodejs", "python", "bash")
}
