function main({n}) {
  const cookies = Array.from({length: Number(n)}, (_, i) => `c${i}=v; Max-Age=60`);
  return {headers: {'Set-Cookie': cookies, 'Content-Type': 'text/html'}, body: '<p>cookies</p>'};
}
