// Package kafka fires triggers with the messages of Apache Kafka topics, and
// sends messages to them: what OpenWhisk's package messaging does, without a
// service of its own. Offsets are committed after the trigger has accepted
// the messages, so each message is fired at least once.
package kafka
