const shout = require('shout');
exports.main = ({text}) => ({text: shout(text)});
