import type { FastifyReply, FastifyRequest } from 'fastify'
import { LvmError, shown } from '../../errors.js'
import type { App } from './core.js'

/** Methods of each path of an app; call it before the routes are added. */
export function allowedMethods(app: App): (path: string) => readonly string[] {
  const routes = new Map<string, { path: RegExp; methods: string[] }>()
  app.addHook('onRoute', ({ url, method }) => {
    const source = url
      .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/:\w+/g, '[^/]+')
    const route = routes.get(url) ?? { path: new RegExp(`^${source}$`), methods: [] }
    route.methods.push(...[method].flat())
    routes.set(url, route)
  })
  return (path) => [...routes.values()].filter((route) => route.path.test(path)).flatMap(({ methods }) => methods)
}

/** Makes the error for a path or a method that the server does not have; for a known path it names the methods in the header Allow. */
export function notFound(request: FastifyRequest, reply: FastifyReply, methods: readonly string[]): Error {
  const path = shown(request.url.split('?', 1)[0])
  if (methods.length === 0 || methods.includes(request.method))
    return new LvmError('NOT_FOUND', `request: there is no path ${path}`)
  reply.header('allow', methods.join(', '))
  return Object.assign(new Error(`expected ${methods.join(' or ')} for ${path} but received ${request.method}`), {
    statusCode: 405,
  })
}
