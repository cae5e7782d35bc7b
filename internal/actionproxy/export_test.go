package actionproxy

// Member is member, for the tests.
var Member = member
