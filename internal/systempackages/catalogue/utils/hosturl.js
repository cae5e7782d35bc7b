// Tells the URL under which an action or a trigger of the caller is reached.
function main({ path, web = false, ext = '.http', trigger = false }) {
  const host = process.env.__OW_API_HOST
  const namespace = encodeURIComponent(process.env.__OW_NAMESPACE)
  if (!path) return { url: host }
  if (typeof path !== 'string') return { error: "Expected an argument 'path' of type 'string'." }
  const parts = path.split('/').map(encodeURIComponent)
  if (parts.length > (trigger ? 1 : 2)) return { error: "Expected a 'path' such as 'action' or 'package/action'." }
  if (trigger) return { url: `${host}/api/v1/namespaces/${namespace}/triggers/${parts[0]}` }
  if (!web) return { url: `${host}/api/v1/namespaces/${namespace}/actions/${parts.join('/')}` }
  if (!['.html', '.http', '.json', '.text', '.svg'].includes(ext)) {
    return { error: "Expected an argument 'ext' of .html, .http, .json, .text or .svg." }
  }
  if (parts.length === 1) parts.unshift('default')
  return { url: `${host}/api/v1/web/${namespace}/${parts.join('/')}${ext}` }
}
