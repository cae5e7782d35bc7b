function main({answer}) {
  return answer;
}
