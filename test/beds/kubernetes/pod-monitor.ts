import { operatorKind } from './operator-kind.ts'

/**
 * The kind by which the Prometheus operator is told what to scrape, so that a cluster without the
 * operator takes it: of its fields only the outline. The bed scrapes pods by their annotations.
 */
export const podMonitorDefinition = operatorKind('PodMonitor', {
  type: 'object',
  required: ['selector'],
  properties: {
    selector: {
      type: 'object',
      properties: {
        matchLabels: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    podMetricsEndpoints: {
      type: 'array',
      items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
})
