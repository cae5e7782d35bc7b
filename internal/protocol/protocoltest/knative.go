package protocoltest

func knativeLives(Samples) []life { return nil }
