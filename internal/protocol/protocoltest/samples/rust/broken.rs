pub fn main(args: 
