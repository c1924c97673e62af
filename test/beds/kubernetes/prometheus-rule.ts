import { operatorKind } from './operator-kind.ts'

const text = { type: 'string' }
const texts = { type: 'object', additionalProperties: text }
const span = {
  type: 'string',
  pattern:
    '^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$',
}
const rule = {
  type: 'object',
  required: ['expr'],
  properties: {
    alert: text,
    expr: { anyOf: [{ type: 'integer' }, text], 'x-kubernetes-int-or-string': true },
    for: span,
    labels: texts,
    annotations: texts,
  },
}

/**
 * The kind of the Prometheus operator's rules, so that a cluster without the operator takes them: of
 * its fields those that alert rules have, checked as the operator's own definition checks them.
 */
export const prometheusRuleDefinition = operatorKind('PrometheusRule', {
  type: 'object',
  properties: {
    groups: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1 },
          interval: span,
          rules: { type: 'array', items: rule },
        },
      },
    },
  },
})
