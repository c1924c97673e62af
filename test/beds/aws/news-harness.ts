import {
  DeleteMessageCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'

const PREFIX = 'news-of-'

/** The queue that stands in the place of a function's subscription: see the stand-in of the plugin. */
export function newsQueue(functionArn: string): string {
  return `${PREFIX}${functionArn.split(':')[6]}`
}

/**
 * What moto lacks of SNS' way to functions: what came to such a queue is brought to its function, as
 * the event that SNS would call it with.
 */
export class NewsHarness {
  readonly #sqs = new SQSClient({})
  readonly #send: (name: string, event: unknown) => Promise<void>

  constructor(send: (name: string, event: unknown) => Promise<void>) {
    this.#send = send
  }

  /** Brings what waits. The calls of functions are not waited for. */
  async deliver(onError: (error: Error) => void): Promise<void> {
    const { QueueUrls = [] } = await this.#sqs.send(
      new ListQueuesCommand({ QueueNamePrefix: PREFIX }),
    )
    for (const QueueUrl of QueueUrls) {
      const name = QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1 + PREFIX.length)
      const { Messages = [] } = await this.#sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      )
      for (const { Body = '{}', ReceiptHandle } of Messages) {
        const { Message, MessageId, TopicArn } = JSON.parse(Body) as Record<string, string>
        const Sns = { Type: 'Notification', Message, MessageId, TopicArn }
        const Records = [{ EventSource: 'aws:sns', EventVersion: '1.0', Sns }]
        void this.#send(name, { Records }).catch(onError)
        await this.#sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
      }
    }
  }
}
