package sandbox_test

func dialAll(args []string) int { return 0 }
