// A squarified treemap (Bruls, Huizing, van Wijk, 2000): rectangles whose areas are as given, and whose sides are as
// equal as can be.

/**
 * Divides a rectangle. `values` are positive, the largest first; the result has a rectangle {x, y, width, height} for
 * each.
 */
function squarified(values, { x, y, width, height }) {
  const sum = values.reduce((total, value) => total + value, 0);
  const scale = sum > 0 ? (width * height) / sum : 0;
  const areas = values.map((value) => value * scale);
  const placed = [];
  let free = { x, y, width, height };
  let start = 0;
  while (start < areas.length) {
    const side = Math.min(free.width, free.height);
    // A row takes more as long as its worst rectangle gets no worse.
    let end = start + 1;
    let total = areas[start];
    let worst = longest(total, areas[start], areas[start], side);
    while (end < areas.length) {
      const next = longest(total + areas[end], areas[start], areas[end], side);
      if (next > worst) break;
      worst = next;
      total += areas[end];
      end += 1;
    }
    free = placeRow(areas.slice(start, end), total, free, placed);
    start = end;
  }
  return placed;
}

/** The worst ratio of sides in a row along `side`, with the largest and the least area in it. */
function longest(total, largest, least, side) {
  const squared = (side * side) / (total * total);
  return Math.max(squared * largest, 1 / (squared * least));
}

/** Places a row along the shorter side, and returns what is left. */
function placeRow(areas, total, free, placed) {
  const isColumn = free.width >= free.height;
  const thickness = total > 0 ? total / (isColumn ? free.height : free.width) : 0;
  let at = isColumn ? free.y : free.x;
  for (const area of areas) {
    const length = thickness > 0 ? area / thickness : 0;
    placed.push(isColumn
      ? { x: free.x, y: at, width: thickness, height: length }
      : { x: at, y: free.y, width: length, height: thickness });
    at += length;
  }
  return isColumn
    ? { x: free.x + thickness, y: free.y, width: Math.max(0, free.width - thickness), height: free.height }
    : { x: free.x, y: free.y + thickness, width: free.width, height: Math.max(0, free.height - thickness) };
}
