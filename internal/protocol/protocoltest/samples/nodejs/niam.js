function niam() { return {niam: true}; }
