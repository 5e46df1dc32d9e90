import { createReadStream, statSync } from 'node:fs'
import { assetPath } from '../../packages/assets.js'
import type { App } from './core.js'

const SCRIPT = `window.onload = () => SwaggerUIBundle({ url: '../openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null })`

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>lvm-torch</title>
<link rel="stylesheet" href="./static/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="./static/swagger-ui-bundle.js"></script>
<script src="./static/swagger-initializer.js"></script>
</body>
</html>
`

/** Types of the files of the page. */
const FILES = { 'swagger-ui-bundle.js': 'text/javascript; charset=utf-8', 'swagger-ui.css': 'text/css; charset=utf-8' }

/** Adds the page at /docs/, which shows /openapi.json with Swagger UI. */
export function docsPage(app: App): void {
  const schema = { hide: true } as const
  app.get('/docs', { schema }, (_request, reply) => reply.redirect('docs/'))
  app.get('/docs/', { schema }, (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE))
  app.get('/docs/static/swagger-initializer.js', { schema }, (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(SCRIPT),
  )
  for (const [name, type] of Object.entries(FILES)) {
    const path = assetPath(name)
    const { size } = statSync(path)
    app.get(`/docs/static/${name}`, { schema }, (_request, reply) =>
      reply.type(type).header('content-length', size).send(createReadStream(path)),
    )
  }
}
