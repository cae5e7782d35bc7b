// Tells the time.
const main = () => ({ date: new Date().toISOString() })
