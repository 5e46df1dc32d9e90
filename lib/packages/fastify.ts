export { default as swagger } from '@fastify/swagger'
export { default as fastify } from 'fastify'
