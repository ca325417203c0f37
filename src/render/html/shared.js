// What the scripts of more than one page need: elements that hold nothing but text, the shapes of proof states, and a
// table that is searched, sorted and paged.
"use strict";
const byId = (id) => document.getElementById(id);
const number = (n) => n.toLocaleString("en");

const element = (name, ...children) => {
	const made = document.createElement(name);
	made.append(...children);
	return made;
};
// A sentence in which a name or a path stands in one line.
const prose = (text) => {
	const words = text.split(" ").map((word) => {
		if (!/[-/]/.test(word)) return word;
		const whole = element("span", word);
		whole.className = "whole";
		return whole;
	});
	return words.flatMap((word, i) => (i ? [" ", word] : [word]));
};
// Says of a table that it is wider than the window, where it is.
for (const table of document.querySelectorAll(".scroll")) {
	const hint = table.previousElementSibling;
	new ResizeObserver(() => {
		const wide = table.scrollWidth > table.clientWidth;
		hint.classList.toggle("wide", wide);
		hint.classList.toggle("fits", !wide);
	}).observe(table);
}
const lift = (text) => {
	const made = element("span", text);
	made.className = "lift";
	return made;
};
const symbol = (name) => {
	const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
	svg.setAttribute("class", `symbol s-${name}`);
	svg.setAttribute("width", "12");
	svg.setAttribute("height", "12");
	svg.setAttribute("aria-hidden", "true");
	const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
	use.setAttribute("href", `#i-${name}`);
	svg.append(use);
	return svg;
};

// Draws the shape of a state, in the colour of the brush, into a square.
const shape = (draw, name, x, y, size) => {
	const [far, middle] = [size, size / 2];
	draw.strokeStyle = draw.fillStyle;
	draw.lineWidth = Math.max(1.5, size / 6);
	const inset = draw.lineWidth / 2;
	draw.beginPath();
	if (name === "verified") {
		draw.fillRect(x, y, size, size);
	} else if (name === "off_target") {
		draw.moveTo(x + inset, y + inset);
		draw.lineTo(x + far - inset, y + far - inset);
		draw.moveTo(x + far - inset, y + inset);
		draw.lineTo(x + inset, y + far - inset);
		draw.stroke();
	} else if (name === "errored") {
		draw.moveTo(x + middle, y);
		draw.lineTo(x + far, y + far);
		draw.lineTo(x, y + far);
		draw.fill();
	} else if (name === "unreached") {
		draw.arc(x + middle, y + middle, middle - inset, 0, 7);
		draw.stroke();
	} else if (name === "missing") {
		draw.fillRect(x, y + size * 0.36, size, size * 0.28);
	} else if (name === "dry_run") {
		draw.arc(x + middle, y + middle, size / 5, 0, 7);
		draw.fill();
	} else if (name === "assumed") {
		draw.strokeRect(x + inset + 0.5, y + inset + 0.5, far - 2 * inset - 1, far - 2 * inset - 1);
	} else {
		draw.moveTo(x + middle, y);
		draw.lineTo(x + far, y + middle);
		draw.lineTo(x + middle, y + far);
		draw.lineTo(x, y + middle);
		draw.fill();
	}
};

// Fills a table: a `line` for each of the `rows`, that are searched in their `text` and sorted by the keys of `columns`;
// at first by `sorted`, or else as they are. Gives a function that searches.
const finder = (table, { rows, line, columns, text, noun, sorted = { column: -1, down: false } }) => {
	const PAGE = 50;
	const body = table.tBodies[0];
	const heads = [...table.tHead.rows[0].cells];
	const order = new Map(rows.map((row, i) => [row, i]));
	const haystacks = new Map();
	let found = rows;
	let page = 0;

	const show = () => {
		const pages = Math.max(1, Math.ceil(found.length / PAGE));
		page = Math.min(page, pages - 1);
		body.replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map(line));
		const all = rows.length === 1 ? `1 ${noun}` : `${number(rows.length)} ${noun}s`;
		byId("found").textContent = found.length === rows.length ? all : `${number(found.length)} of ${all}`;
		const pager = byId("pager");
		if (!pager) return;
		pager.hidden = pages === 1;
		byId("page").textContent = `Page ${number(page + 1)} of ${number(pages)}`;
		byId("back").disabled = page === 0;
		byId("forward").disabled = page === pages - 1;
	};
	const sort = () => {
		if (sorted.column < 0) return;
		const key = columns[sorted.column];
		const keys = new Map(found.map((row) => [row, key(row)]));
		const way = sorted.down ? -1 : 1;
		found = [...found].sort((a, b) => {
			const [x, y] = [keys.get(a), keys.get(b)];
			return x === y ? order.get(a) - order.get(b) : x < y ? -way : way;
		});
		heads.forEach((head, i) => {
			if (i === sorted.column) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
			else head.removeAttribute("aria-sort");
		});
	};
	const haystack = (row) => {
		if (!haystacks.has(row)) haystacks.set(row, text(row).toLowerCase());
		return haystacks.get(row);
	};
	const filter = () => {
		const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
		found = words.length ? rows.filter((row) => words.every((word) => haystack(row).includes(word))) : rows;
		page = 0;
		sort();
		show();
	};
	heads.forEach((head, i) => {
		const button = element("button", head.textContent);
		button.type = "button";
		button.addEventListener("click", () => {
			sorted = { column: i, down: sorted.column === i && !sorted.down };
			page = 0;
			sort();
			show();
		});
		head.replaceChildren(button);
	});
	byId("search").addEventListener("input", filter);
	const turn = (by) => () => {
		page += by;
		show();
		table.scrollIntoView({ block: "nearest" });
	};
	byId("back")?.addEventListener("click", turn(-1));
	byId("forward")?.addEventListener("click", turn(1));
	byId("finder").hidden = false;
	show();
	return (wanted) => {
		byId("search").value = wanted;
		filter();
		byId("search").focus();
	};
};

