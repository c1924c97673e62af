// Draws the charts of a report. Runs in the browser, with uPlot loaded and the data in the page.
;(() => {
  const place = document.getElementById('charts')
  if (!place) return
  const { times, charts, marks } = JSON.parse(document.getElementById('data').textContent)
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const LOOKS = {
    blue: { stroke: '--blue', width: 1.5 },
    green: { stroke: '--green', width: 1.5 },
    'green-soft': { stroke: '--green-soft', width: 1.5 },
    'blue-bad': { stroke: '--blue', width: 1.5 },
    'green-bad': { stroke: '--bad', width: 1.5 },
    limit: { stroke: '--limit', width: 1, dash: [6, 4] },
  }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

  const drawMarks = (plot) => {
    const { ctx, bbox } = plot
    ctx.save()
    ctx.font = `${10 * devicePixelRatio}px system-ui`
    ctx.textAlign = 'left'
    const free = [0, 0, 0]
    const right = bbox.left + bbox.width
    const shown = marks
      .map((mark) => ({ ...mark, x: Math.round(plot.valToPos(mark.time, 'x', true)) }))
      .filter(({ x }) => x >= bbox.left && x <= right)
    const tone = (kind) => colour(kind === 'trip' ? '--bad' : '--step')
    // All lines before all labels, so that none crosses a text.
    for (const { x, kind } of shown) {
      ctx.strokeStyle = tone(kind)
      ctx.lineWidth = devicePixelRatio
      ctx.setLineDash(kind === 'trip' ? [] : [2, 3])
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
    }
    for (const { x, label, kind } of shown) {
      const width = ctx.measureText(label).width
      // At the right edge the label stands before its line.
      const from = x + 6 + width > right ? x - width - 3 : x + 3
      // The first of three rows where the label overlaps none; a crowd goes without.
      const row = free.findIndex((end) => end < from)
      if (row < 0) continue
      const base = bbox.top + (11 + 12 * row) * devicePixelRatio
      ctx.globalAlpha = 0.8
      ctx.fillStyle = colour('--ground')
      ctx.fillRect(from - 1, base - 9 * devicePixelRatio, width + 2, 11 * devicePixelRatio)
      ctx.globalAlpha = 1
      ctx.fillStyle = tone(kind)
      ctx.fillText(label, from, base)
      free[row] = from + width + 5
    }
    ctx.restore()
  }

  const iso = (time) => new Date(time * 1_000).toISOString()
  /** UTC, as in the tables; the day below where it begins. */
  const clock = (_, times) => {
    const apart = times[1] - times[0]
    return times.map((time, index) => {
      const day = iso(time).slice(0, 10)
      if (apart >= 86_400) return day
      const text = iso(time).slice(11, apart >= 60 ? 16 : 19)
      const before = times[index - 1]
      return before && iso(before).slice(0, 10) === day ? text : `${text}\n${day}`
    })
  }

  let plots = []
  const draw = () => {
    for (const plot of plots) plot.destroy()
    place.replaceChildren()
    const axis = () => ({
      stroke: colour('--dim'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
    })
    plots = charts.map(({ title, unit, lines }) => {
      const holder = place.appendChild(document.createElement('div'))
      holder.className = 'chart'
      const format = (_, value) => (value == null ? '-' : `${Number(value.toPrecision(4))} ${unit}`)
      return new uPlot(
        {
          title: `${title} (${unit})`,
          width: place.clientWidth,
          height: 220,
          tzDate: (time) => uPlot.tzDate(new Date(time * 1_000), 'Etc/UTC'),
          cursor: { sync: { key: 'time' } },
          axes: [
            { ...axis(), values: clock, space: 80 },
            { ...axis(), size: 60 },
          ],
          scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
          series: [
            {
              label: 'at',
              value: (_, time) => (time == null ? '-' : `${iso(time).slice(0, 19)}Z`),
            },
            ...lines.map(({ label, look }) => ({
              ...LOOKS[look],
              label,
              stroke: colour(LOOKS[look].stroke),
              value: format,
              points: { show: false },
              paths:
                title.endsWith('share of green') && look === 'green'
                  ? uPlot.paths.stepped({ align: 1 })
                  : undefined,
            })),
          ],
          hooks: { draw: [drawMarks] },
        },
        [times, ...lines.map(({ values }) => values)],
        holder,
      )
    })
  }
  draw()
  dark.addEventListener('change', draw)
  let width = place.clientWidth
  addEventListener('resize', () => {
    if (place.clientWidth === width) return
    width = place.clientWidth
    draw()
  })
})()
