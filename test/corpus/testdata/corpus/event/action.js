function main({silent, fail, __ce_type, __ce_source, __ce_id, __ce_data, a}) {
  if (fail) return {error: 'no'};
  if (silent) return {};
  return {specversion: '1.0', type: 'corpus.answered', time: '2026-01-02T03:04:05Z', source: __ce_source, id: `to-${__ce_id}`, data: {a, asked: __ce_type, text: __ce_data || null}};
}
