// Package activation keeps the records of finished activations: it decides
// which are stored, holds on to those that the store refuses for a while, and
// removes old ones. What a record says is package invoke's business.
package activation
