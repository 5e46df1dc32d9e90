import { LvmError, shown } from '../../errors.js'

/** Longest wait for an answer. Units: ms */
const PATIENCE = 10_000

function authorization(): Record<string, string> {
  const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user, MLFLOW_TRACKING_PASSWORD: password } = process.env
  if (token) return { authorization: `Bearer ${token}` }
  return user ? { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` } : {}
}

/** Calls one method of the REST API, version 2.0. Errors: LOG_FAILED; `missing` instead for an object that does not exist. */
export async function call<T>(url: string, method: string, body?: object): Promise<T | 'missing'> {
  const failed = (what: string, cause?: unknown) =>
    new LvmError('LOG_FAILED', `train: expected a tracking server of MLflow at ${shown(url)} but ${what}`, { cause })
  const asked = {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json', ...authorization() },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE),
  }
  const answer = await fetch(`${url.replace(/\/+$/, '')}/api/2.0/mlflow/${method}`, asked).catch((cause) => {
    throw failed(`it did not answer (${(cause as { cause?: Error }).cause?.message ?? (cause as Error).message})`, cause)
  })
  const text = await answer.text()
  if (answer.status === 404 && text.includes('RESOURCE_DOES_NOT_EXIST')) return 'missing'
  if (!answer.ok) throw failed(`"${method}" was answered with ${answer.status}: ${shown(text)}`)
  try {
    return JSON.parse(text) as T
  } catch (cause) {
    throw failed(`"${method}" was answered with ${shown(text)}`, cause)
  }
}

/** Finds or creates an experiment. Errors: LOG_FAILED. */
export async function experimentOf(url: string, name: string): Promise<string> {
  const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`
  const found = await call<{ experiment: { experiment_id: string } }>(url, query)
  if (found !== 'missing') return found.experiment.experiment_id
  const made = await call<{ experiment_id: string }>(url, 'experiments/create', { name })
  return (made as { experiment_id: string }).experiment_id
}
