// Tells the namespace that the caller's key opens.
const main = () => ({ namespace: process.env.__OW_NAMESPACE })
