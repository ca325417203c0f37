// Paints a large fleet, and fills the table of stragglers. Stands behind shared.js; reads the page's data, asks nobody,
// and writes nothing but text.
(() => {
	const data = JSON.parse(byId("data").textContent);
	if (!data) return;

	const kindOf = new Uint32Array(data.names.length);
	const groupOf = new Int32Array(data.names.length);
	let filled = 0;
	for (const [kind, group, many] of data.runs) {
		kindOf.fill(kind, filled, filled + many);
		groupOf.fill(group, filled, filled + many);
		filled += many;
	}
	const kind = (place) => {
		const [at, why, says, labels] = data.kinds[kindOf[place]];
		const [state, symbol, proven] = data.states[at];
		return { state, symbol, proven, reason: data.texts[why], evidence: data.texts[says], labels: data.texts[labels] };
	};
	const nameOf = (place) => data.names[place] || `tenant ${number(place + 1)} of the fleet`;
	const groupName = (place) => (groupOf[place] < 0 ? "–" : data.groups[groupOf[place]]);

	// The table.
	const table = byId("table");
	let search = () => {};
	if (table) {
		const rows = data.stragglers.map(([place, mark, at]) => ({ place, mark, at }));
		const line = (row) => {
			const of = kind(row.place);
			const head = element("th", element("code", nameOf(row.place)));
			head.scope = "row";
			const state = element("td", symbol(of.symbol), of.state);
			if (row.mark) state.append(" ", lift(row.mark));
			const at = row.at ? element("code", row.at) : "–";
			const cells = [prose(of.reason), [groupName(row.place)], [of.evidence], [at]];
			if (data.labelled) cells.push(prose(of.labels));
			return element("tr", head, state, ...cells.map((cell) => element("td", ...cell)));
		};
		const columns = [
			(row) => nameOf(row.place),
			(row) => `${kind(row.place).state} ${row.mark}`,
			(row) => kind(row.place).reason,
			(row) => groupOf[row.place],
			(row) => kind(row.place).evidence,
			(row) => row.at.padStart(24),
			(row) => kind(row.place).labels,
		];
		const text = (row) => {
			const of = kind(row.place);
			return [nameOf(row.place), of.state, row.mark, of.reason, groupName(row.place), of.evidence, of.labels].join("\n");
		};
		search = finder(table, { rows, line, columns, text, noun: "straggler", sorted: { column: 0, down: false } });
	}

	// The picture of a large fleet.
	const map = byId("map");
	let repaint = () => {};
	if (map) {
		const many = data.names.length;
		const canvas = map.querySelector("canvas");
		const list = byId("cells");
		const options = [byId("cell-a"), byId("cell-b")];
		const behind = new Set(data.stragglers.map(([place]) => place));
		const denied = new Set(data.denied);
		const marked = [];
		for (let place = 0; place < many; place++) if (!kind(place).proven || denied.has(place)) marked.push(place);
		const EDGE = 4;
		const GUTTER = 10 + 2 * EDGE;
		let grid = { pitch: 1, columns: 1, width: 1 };
		let at = data.canary ?? 0;
		let active = false;

		const paint = () => {
			const style = getComputedStyle(document.documentElement);
			const color = (name) => style.getPropertyValue(`--${name}`).trim();
			const width = Math.max(120, map.clientWidth);
			const room = width - GUTTER;
			const least = many > 250000 ? 1 : 2;
			const pitch = Math.max(least, Math.min(18, Math.floor(Math.sqrt((room * 900) / many))));
			const columns = Math.max(1, Math.floor(room / pitch));
			const height = Math.ceil(many / columns) * pitch + 2 * EDGE;
			const scale = Math.min(window.devicePixelRatio || 1, 16000 / height, 16000 / width);
			grid = { pitch, columns, width };
			canvas.width = Math.round(width * scale);
			canvas.height = Math.round(height * scale);
			canvas.style.aspectRatio = `${width} / ${height}`;
			const draw = canvas.getContext("2d");
			draw.setTransform(canvas.width / width, 0, 0, canvas.height / height, 0, 0);
			// Where cells are too small for shapes, what is proven steps back.
			const ink = (symbol, more) => color(symbol + more) || color(symbol);
			const small = pitch < 6 ? "-small" : "";
			const inks = data.states.map(([, symbol]) => [ink(symbol, small), ink(symbol, `${small}-alt`)]);
			const size = pitch - (pitch > 7 ? 2 : pitch > 3 ? 1 : 0);
			const gap = (pitch - size) / 2;
			for (let place = 0; place < many; place++) {
				const state = data.kinds[kindOf[place]][0];
				const [, symbol, proven] = data.states[state];
				const x = EDGE + (place % columns) * pitch;
				const y = EDGE + Math.floor(place / columns) * pitch;
				draw.fillStyle = inks[state][groupOf[place] & 1];
				if (proven && (symbol === "verified" || pitch < 8)) draw.fillRect(x + gap, y + gap, size, size);
				else if (pitch < 8) draw.fillRect(x, y, pitch, pitch);
				else shape(draw, symbol, x + gap, y + gap, size);
				if (denied.has(place)) {
					draw.fillStyle = draw.strokeStyle = color("fail");
					draw.lineWidth = 1.5;
					if (pitch >= 8) draw.strokeRect(x + 1, y + 1, pitch - 2, pitch - 2);
					else if (proven) draw.fillRect(x, y, pitch, pitch);
				}
			}
			// What is not proven or denied is marked beside its line as well.
			draw.fillStyle = color("ink");
			for (const y of new Set(marked.map((place) => Math.floor(place / columns) * pitch))) {
				draw.fillRect(width - 6, EDGE + y, 6, Math.max(1, pitch - 1));
			}
			if (data.canary !== null) ring(draw, data.canary, color("ink"), 1.5);
			if (active) ring(draw, at, color("focus"), 3);
		};
		const ring = (draw, place, color, line) => {
			const { pitch, columns } = grid;
			const half = Math.max(pitch / 2 + 1, line * 2.5);
			const x = EDGE + (place % columns) * pitch + pitch / 2;
			const y = EDGE + Math.floor(place / columns) * pitch + pitch / 2;
			draw.strokeStyle = color;
			draw.lineWidth = line;
			draw.strokeRect(x - half, y - half, half * 2, half * 2);
		};
		const words = (place) => {
			const parts = [nameOf(place), kind(place).state];
			if (groupOf[place] >= 0) parts.push(groupName(place));
			if (place === data.canary && groupName(place) !== "canary") parts.push("the canary");
			if (!kind(place).proven) parts.push(kind(place).reason);
			if (denied.has(place)) parts.push("denied");
			parts.push(kind(place).labels);
			return parts.filter(Boolean).join(", ");
		};
		const tip = (place) => {
			byId("map-tip").textContent = words(place);
		};
		// Two options take turns, so that a screen reader hears of every step.
		const step = () => {
			const [before, now] = options;
			options.reverse();
			now.textContent = words(at);
			now.setAttribute("aria-selected", "true");
			now.setAttribute("aria-setsize", String(many));
			now.setAttribute("aria-posinset", String(at + 1));
			before.setAttribute("aria-selected", "false");
			list.setAttribute("aria-activedescendant", now.id);
			tip(at);
		};
		const go = (place) => {
			at = Math.max(0, Math.min(many - 1, place));
			active = true;
			step();
			repaint();
			const box = canvas.getBoundingClientRect();
			const y = box.top + (Math.floor(at / grid.columns) * grid.pitch * box.width) / grid.width;
			if (y < 40 || y > innerHeight - 40) scrollBy({ top: y - innerHeight / 2 });
		};
		const placeOf = (event) => {
			const box = canvas.getBoundingClientRect();
			const ratio = grid.width / box.width;
			const column = Math.floor(((event.clientX - box.left) * ratio - EDGE) / grid.pitch);
			const line = Math.floor(((event.clientY - box.top) * ratio - EDGE) / grid.pitch);
			const place = line * grid.columns + column;
			return column >= 0 && column < grid.columns && place >= 0 && place < many ? place : undefined;
		};
		const choose = () => {
			if (behind.has(at)) search(nameOf(at));
		};
		list.addEventListener("pointermove", (event) => {
			const place = placeOf(event);
			if (place !== undefined) tip(place);
		});
		list.addEventListener("pointerleave", () => tip(at));
		list.addEventListener("click", (event) => {
			const place = placeOf(event);
			if (place !== undefined) go(place);
		});
		list.addEventListener("dblclick", choose);
		list.addEventListener("focus", () => {
			active = true;
			step();
			repaint();
		});
		list.addEventListener("keydown", (event) => {
			const ways = {
				ArrowLeft: at - 1,
				ArrowRight: at + 1,
				ArrowUp: at - grid.columns < 0 ? at : at - grid.columns,
				ArrowDown: at + grid.columns >= many ? at : at + grid.columns,
				PageUp: at - 10 * grid.columns,
				PageDown: at + 10 * grid.columns,
				Home: 0,
				End: many - 1,
			};
			if (event.altKey || event.ctrlKey || event.metaKey) return;
			if (event.key === "Enter") choose();
			else if (event.key in ways) go(ways[event.key]);
			else return;
			event.preventDefault();
		});
		const jump = (by) => () => {
			const ahead = by > 0 ? marked.find((place) => place > at) : marked.findLast((place) => place < at);
			go(ahead ?? marked.at(by > 0 ? 0 : -1));
			byId("map-said").textContent = words(at);
		};
		byId("next").addEventListener("click", jump(1));
		byId("previous").addEventListener("click", jump(-1));
		byId("next").disabled = byId("previous").disabled = marked.length === 0;
		map.hidden = false;
		repaint = paint;
		tip(at);
		let width = 0;
		new ResizeObserver(() => {
			if (map.clientWidth !== width) paint();
			width = map.clientWidth;
		}).observe(map);
		for (const media of ["print", "(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
			matchMedia(media).addEventListener("change", () => repaint());
		}
	}

	// Paper shows what a screen folds away.
	let folded = [];
	addEventListener("beforeprint", () => {
		folded = [...document.querySelectorAll("details:not([open])")];
		for (const details of folded) details.open = true;
		repaint();
	});
	addEventListener("afterprint", () => {
		for (const details of folded) details.open = false;
		repaint();
	});
})();
